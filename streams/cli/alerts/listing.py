"""`./caf alerts`: see the alerts that are open, or follow those that come."""

from collections.abc import Callable

import click
import msgspec

from streams.contracts.codesets import AlertStatus, Severity
from streams.contracts.outputs import Alert
from streams.settings import Settings

__all__ = ["command"]


@click.group("alerts", invoke_without_command=True)
@click.option("--follow", "following", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--severity", multiple=True, type=click.Choice([s.value for s in Severity]), help="Only these.")
@click.option("--rule", multiple=True, help="Only these rules.")
@click.option("--all", "every", is_flag=True, help="Every version, cleared and withdrawn ones and tests included.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.pass_context
def command(  # noqa: PLR0917  (click passes them by name)
    context: click.Context,
    following: bool,
    severity: tuple[str, ...],
    rule: tuple[str, ...],
    every: bool,
    as_json: bool,
) -> None:
    """List the alerts that are open now, or with --follow those that come."""
    if context.invoked_subcommand is not None:
        return

    def wanted(alert: Alert) -> bool:
        return (not severity or alert.severity in severity) and (not rule or alert.rule in rule)

    show = _as_json if as_json else _as_text
    if following or every:
        _print_versions(following, wanted, show, every)
    else:
        _print_open(wanted, show)


def _print_versions(
    following: bool, wanted: Callable[[Alert], bool], show: Callable[[Alert], str], history: bool
) -> None:
    from streams.watch.follow import follow

    try:
        for alert, _ in follow(Settings.from_env(), history=history or not following, stop_at_end=not following):
            if wanted(alert):
                click.echo(show(alert))
    except KeyboardInterrupt:
        return


def _print_open(wanted: Callable[[Alert], bool], show: Callable[[Alert], str]) -> None:
    from streams.watch.follow import follow

    latest: dict[str, Alert] = {}
    for alert, _ in follow(Settings.from_env(), stop_at_end=True):
        if alert.alert_id not in latest or latest[alert.alert_id].version < alert.version:
            latest[alert.alert_id] = alert
    standing = [alert for alert in latest.values() if alert.status == AlertStatus.OPEN and not alert.test]
    for alert in sorted(standing, key=lambda one: one.anchored_at):
        if wanted(alert):
            click.echo(show(alert))


def _as_json(alert: Alert) -> str:
    return msgspec.json.encode(alert).decode()


def _as_text(alert: Alert) -> str:
    colour = {Severity.RED: "red", Severity.AMBER: "yellow", Severity.GREEN: "green"}[alert.severity]
    marks = "".join(f" [{name}]" for name, is_so in (("backfill", alert.backfill), ("test", alert.test)) if is_so)
    state = alert.status if alert.status_reason is None else f"{alert.status}: {alert.status_reason}"
    head = click.style(f"{alert.severity:<5}", fg=colour, bold=True)
    who = alert.family_id or alert.entity_id
    facts = f"{len(alert.evidence)} facts, version {alert.version}, {state}{marks}"
    return (
        f"{alert.received_at:%Y-%m-%d %H:%M:%S}Z {head} {alert.rule} {who}: {alert.reason} ({facts}; {alert.alert_id})"
    )
