"""``headrace run``."""

import click


@click.group()
def run() -> None:
    """Submit runs and look at them."""
