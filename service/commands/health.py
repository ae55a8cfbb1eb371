"""Whether what runs here is well."""

import click

from service import signs


class Unwell(click.ClickException):
    """What runs here is not well, or nothing runs: exit code 1."""


@click.command()
def health() -> None:
    """Ask what `serve` or `worker` started in this folder how it is; exits 1 where it is unwell, or nothing runs."""
    if faults := signs.faults():
        raise Unwell(" ".join(faults))
    click.echo("It is well.")
