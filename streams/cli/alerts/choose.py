"""The options that choose alerts. Every command that shows or sends alerts uses the same options."""

from collections.abc import Callable
from typing import Any

import click

from streams.contracts.codesets import Severity

__all__ = ["filters"]


def filters(verb: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that become the filters of `AlertFilter.of`. Each option may be given several times."""
    for option in (
        click.option(
            "--recipient", multiple=True, help="Only for this role, or one desk of it: duty, duty:birkenhead."
        ),
        click.option("--area", multiple=True, help="Only about families in this area; 'unknown' if it is not known."),
        click.option("--rule", multiple=True, help="Only of this rule."),
        click.option(
            "--severity", multiple=True, type=click.Choice([one.value for one in Severity]), help="Only this severity."
        ),
    ):
        verb = option(verb)
    return verb
