"""`./caf alerts`: see alerts, follow them, test their path."""

import json
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


@command.command("test")
@click.option("--timeout", type=float, default=30, show_default=True, help="Seconds to wait.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def trial(timeout: float, as_json: bool) -> None:
    """Send a marked test alert through the whole path, and wait until it is read back.

    It is about nobody, lands marked as a test, and is never routed.
    """
    from streams.watch.trial import run_trial

    seconds = run_trial(Settings.from_env(), timeout)
    click.echo(json.dumps({"seconds": seconds}) if as_json else f"the test alert came back after {seconds:.2f} s")


@command.command("check")
@click.option("--max-age", type=float, default=10, show_default=True, help="Seconds of silence that are allowed.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
@click.pass_context
def check(context: click.Context, max_age: float, as_json: bool) -> None:
    """Tell whether the watcher is alive; exit code 1 if it is not (the same as 'watch --check')."""
    from streams.cli import watch

    context.invoke(watch.command, check=True, max_age=max_age, as_json=as_json)


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
