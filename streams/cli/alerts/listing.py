"""`./caf alerts`: list the open alerts, or follow new ones."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime

import click
import msgspec

from streams.audit.entries import about_alerts, entries, this_user
from streams.audit.recorder import Recorder
from streams.cli.alerts.choose import filters
from streams.cli.recorded import record
from streams.contracts.codesets import AuditAction
from streams.contracts.outputs import Alert
from streams.settings import Settings

__all__ = ["command", "printer"]


@click.group("alerts", invoke_without_command=True)
@click.option("--follow", "following", is_flag=True, help="Show new alerts as they come, until Ctrl-C.")
@click.option("--bell", is_flag=True, help="With --follow: ring the terminal's bell for a red alert that is open.")
@filters
@click.option("--all", "every", is_flag=True, help="Show every version, including ended alerts, history and tests.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line, with times in UTC.")
@click.pass_context
def command(
    context: click.Context, /, *, following: bool, bell: bool, every: bool, as_json: bool, **chosen: tuple[str, ...]
) -> None:
    """
    List the alerts that are open now, or show new ones with --follow. Times are London time.

    The list includes alerts that were raised from history. --bell does not ring for such alerts.
    """
    if context.invoked_subcommand is not None:
        return
    from streams.tell.subscribers.alert_filter import AlertFilter

    wanted = AlertFilter.of(**chosen, backfill=True, test=every)
    show = printer(as_json, bell)
    if following or every:
        _print_versions(following, wanted.matches, show, every)
    else:
        _print_open(wanted.matches, show)


def printer(as_json: bool, bell: bool = False) -> Callable[[Alert], None]:
    """Return a function that prints an alert, either as a line of JSON or as text."""
    if as_json:
        return lambda alert: click.echo(msgspec.json.encode(alert).decode())
    from rich.console import Console

    from streams.tell.subscribers.alert_filter import is_open
    from streams.tell.subscribers.view import view

    console = Console(highlight=False)

    def show(alert: Alert) -> None:
        console.print(view(alert, datetime.now(UTC)))
        if bell and alert.severity == "red" and is_open(alert) and not alert.backfill and not alert.test:
            console.bell()

    return show


def _print_versions(
    following: bool, wanted: Callable[[Alert], bool], show: Callable[[Alert], None], history: bool
) -> None:
    """Print versions of alerts. Each alert is recorded once in the audit, before its first version is printed."""
    from streams.alerts.follow import follow

    settings = Settings.from_env()
    seen: set[str] = set()
    try:
        with closing(Recorder(settings)) as recorder:
            for alert, _ in follow(settings, history=history or not following, stop_at_end=not following):
                if not wanted(alert):
                    continue
                if alert.alert_id not in seen:
                    told = entries(this_user(), AuditAction.ALERTS_SEEN, "alerts --follow", about_alerts([alert]))
                    recorder.record(told)
                    seen.add(alert.alert_id)
                show(alert)
    except KeyboardInterrupt:
        return


def _print_open(wanted: Callable[[Alert], bool], show: Callable[[Alert], None]) -> None:
    from streams.alerts.follow import follow, newest
    from streams.tell.subscribers.alert_filter import is_open

    settings = Settings.from_env()
    latest = newest(alert for alert, _ in follow(settings, stop_at_end=True))
    found = [alert for alert in latest.values() if is_open(alert) and wanted(alert)]
    if found:
        record(settings, AuditAction.ALERTS_SEEN, "alerts", about_alerts(found))
    for alert in sorted(found, key=lambda one: one.anchored_at):
        show(alert)
    if not found:
        click.echo("no matching alert is open", err=True)
