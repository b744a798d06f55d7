"""The options that choose alerts. Every command that shows or sends alerts uses the same options."""

from collections.abc import Callable
from typing import Any

import click

from streams.contracts.codesets import Severity

__all__ = ["filters"]


def filters(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that choose alerts to a command. Users may give each option several times."""
    for option in (
        click.option(
            "--recipient", multiple=True, help="Only alerts for a role (duty) or one of its desks (duty:birkenhead)."
        ),
        click.option(
            "--area", multiple=True, help="Only alerts about families in this area; 'unknown' if the area is not known."
        ),
        click.option("--rule", multiple=True, help="Only alerts of this rule."),
        click.option(
            "--severity",
            multiple=True,
            type=click.Choice([one.value for one in Severity]),
            help="Only alerts of this severity.",
        ),
    ):
        verb = option(verb)
    return verb
