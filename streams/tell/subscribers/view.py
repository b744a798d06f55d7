"""
Show one alert to a person: what happened, who the alert is for, its deadline, its evidence, and what would
clear it.
"""

from collections.abc import Iterator
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from streams.contracts.event import fact_name
from streams.contracts.outputs import Alert
from streams.tell.subscribers.alert_filter import is_open
from streams.tell.subscribers.times import due, local

__all__ = ["closing", "recipients", "view"]

_COLOURS = {"red": "bold red", "amber": "bold yellow", "green": "bold green"}


def view(alert: Alert, now: datetime) -> RenderableType:
    """Return the alert as a few lines of text, with London times. An alert that is not open is shown in faint text."""
    lines = Table.grid(padding=(0, 2, 0, 0))
    lines.add_column(min_width=10, no_wrap=True, style="dim")
    lines.add_column(overflow="fold")
    for name, said in _lines(alert, now):
        lines.add_row(f"  {name}", Text(said))
    return Group(_head(alert), lines)


def recipients(alert: Alert) -> str:
    """Return the recipients of the alert, in words."""
    if alert.recipients:
        return ", ".join(f"{one.role.replace('_', ' ')} {one.id}" for one in alert.recipients)
    return "nobody: raised from history" if alert.backfill else "nobody"


def closing(alert: Alert) -> str:
    """Return who closed the alert, and what they did about it."""
    return f"closed by {alert.closed_by}" + ("" if alert.alert_closure is None else f": {alert.alert_closure.meaning}")


def _head(alert: Alert) -> Text:
    style = _COLOURS[alert.severity] if is_open(alert) else "dim"
    marks = [name for name, is_so in (("from history", alert.backfill), ("test", alert.test)) if is_so]
    place = [] if alert.area is None else [alert.area]
    about = alert.family_id or f"{alert.entity_kind} {alert.entity_id}"
    rest = " · ".join([about, *place, alert.status, f"version {alert.version}", *marks])
    return Text.assemble((f"● {alert.severity.upper():<5} ", style), (alert.rule, "bold"), f"  {rest}")


def _lines(alert: Alert, now: datetime) -> Iterator[tuple[str, str]]:
    yield "what", alert.reason
    yield "for", recipients(alert)
    if alert.deadline is not None:
        left = f" ({due(alert.deadline, now)})" if is_open(alert) else ""
        yield "by", f"{local(alert.deadline, now)}{left}"
    if alert.evidence:
        yield "because", ", ".join(f"{fact_name(one.type)} {local(one.time, now)}" for one in alert.evidence)
    yield "ends when", alert.clears_when
    if alert.acknowledged_at is not None:
        yield "taken on", f"by {alert.acknowledged_by}, {local(alert.acknowledged_at, now)}"
    if alert.closed_at is not None:
        yield "closed", f"{closing(alert)}, {local(alert.closed_at, now)}"
    if alert.status_reason is not None:
        yield "changed", alert.status_reason.replace("_", " ")
    if alert.supersedes is not None:
        yield "instead of", alert.supersedes
    if alert.case_url is not None:
        yield "link", alert.case_url
    yield "alert", f"{alert.alert_id}, caused {local(alert.received_at, now)}, raised {local(alert.raised_at, now)}"
