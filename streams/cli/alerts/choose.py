"""The options by which alerts are chosen, alike for every verb that shows or sends them."""

from collections.abc import Callable

import click

from streams.contracts.codesets import Severity

__all__ = ["filters"]


def filters(verb: Callable) -> Callable:
    """Options that become the filters of `Wanted.of`; each may be given several times."""
    for option in (
        click.option("--recipient", multiple=True, help="Only for this role, or one of it: duty, duty:birkenhead."),
        click.option("--area", multiple=True, help="Only of families in this area; 'unknown' for those of none."),
        click.option("--rule", multiple=True, help="Only of this rule."),
        click.option(
            "--severity", multiple=True, type=click.Choice([one.value for one in Severity]), help="Only this."
        ),
    ):
        verb = option(verb)
    return verb
