"""`orchard brand`."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from uuid import UUID

import click

from service.brands import brands
from service.brands.brands import BrandFields
from service.commands.session import Fault, of_merchant, only_merchant, with_database
from service.database.engine import Database


@click.command()
@click.option("--program", "program_id", type=click.UUID, help="Only the pages of this program.")
@click.option("--name", help="What the pages call the shop.")
@click.option("--logo", help="The file of a PNG, JPEG or SVG.")
@click.option("--accent", help="The colour of what there is to do, such as #2c6e36.")
@click.option("--imprint-url", help="Where the shop says who it is.")
@click.option("--privacy-url", help="Where it says what it keeps of people.")
@click.option("--terms-url", help="Its terms and conditions.")
@of_merchant
@with_database
def brand(
    database: Database, program_id: UUID | None, merchant_id: UUID | None, logo: str | None, **said: str | None
) -> None:
    """Change how the pages that friends see look. What is not given stays; "" takes away."""
    fields = cast(BrandFields, {name: value or None for name, value in said.items() if value is not None})
    if logo is not None:
        fields["logo"] = base64.b64encode(_content(logo)).decode() if logo else None
    database.write(
        lambda session: brands.change(
            session, only_merchant(session, merchant_id), program_id, fields, now=datetime.now(UTC)
        )
    )
    click.echo("Changed.")


def _content(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise Fault(f"The logo cannot be read: {error.strerror}.") from error
