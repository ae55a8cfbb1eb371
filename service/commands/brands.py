"""`orchard brand`."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import click

from service.brands import brands
from service.brands.brands import BrandFields
from service.commands.session import of_merchant, only_merchant, with_database
from service.database.engine import Database


@click.command()
@click.option("--program", "program_id", type=click.UUID, help="Only the pages of this program.")
@click.option("--name", help="What the pages call the shop.")
@click.option("--logo", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A PNG, JPEG or SVG.")
@click.option("--accent", help="The colour of what there is to do, such as #2c6e36.")
@click.option("--imprint-url", help="Where the shop says who it is.")
@click.option("--privacy-url", help="Where it says what it keeps of people.")
@click.option("--terms-url", help="Its terms and conditions.")
@of_merchant
@with_database
def brand(
    database: Database, program_id: UUID | None, merchant_id: UUID | None, logo: Path | None, **said: str | None
) -> None:
    """Change how the pages that friends see look. What is not given stays; "" takes away."""
    fields = BrandFields(**{name: value or None for name, value in said.items() if value is not None})  # type: ignore[typeddict-item]
    if logo is not None:
        fields["logo"] = base64.b64encode(logo.read_bytes()).decode()
    database.write(
        lambda session: brands.change(
            session, only_merchant(session, merchant_id), program_id, fields, now=datetime.now(UTC)
        )
    )
    click.echo("Changed.")
