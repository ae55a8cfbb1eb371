"""`orchard stats`: marketing's numbers."""

import sys
from functools import partial
from uuid import UUID

import click

from service.commands.session import of_merchant, wanted_merchants, with_database
from service.database.engine import Database
from service.statistics import rebuilding


@click.group()
def stats() -> None:
    """Marketing's numbers."""


@stats.command("rebuild")
@of_merchant
@with_database
def stats_rebuild(database: Database, merchant_id: UUID | None) -> None:
    """Make the numbers anew from orders, books and visits, while the service goes on.

    Where they are right already nothing is changed. It may be stopped at any time, and run again.
    """
    with database.reading() as session:
        wanted = wanted_merchants(session, merchant_id)
    for one in wanted:
        with database.reading() as session:
            length = rebuilding.size(session, one)
        with click.progressbar(length=length, label=f"Rebuilding {one}", file=sys.stderr) as bar:
            for done in rebuilding.steps(database.write, one):
                bar.update(done)
            mended = database.write(partial(rebuilding.mend_totals, merchant_id=one, progress=bar.update))
        click.echo(f"{one}: {len(mended)} totals mended.")
        for rollup, key in mended[:20]:
            click.echo(f"  {rollup} {' '.join(map(str, key))}")
