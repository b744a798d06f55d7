"""`./caf alerts test` and `check`: find out whether alerts arrive and whether the watcher is alive."""

import json

import click

from streams.settings import Settings

__all__ = ["check", "trial"]


@click.command("test")
@click.option("--timeout", type=float, default=30, show_default=True, help="Seconds to wait for the test alert.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
def trial(timeout: float, as_json: bool) -> None:
    """
    Send a test alert through the whole path, and wait until it has been read back.

    The test alert is about nobody and is sent to nobody. It is stored, marked as a test.
    """
    from streams.alerts.trial import run_trial

    seconds = run_trial(Settings.from_env(), timeout)
    click.echo(json.dumps({"seconds": seconds}) if as_json else f"the test alert came back after {seconds:.2f} s")


@click.command("check")
@click.option("--max-age", type=float, default=10, show_default=True, help="Allowed seconds without a heartbeat.")
@click.option("--json", "as_json", is_flag=True, help="Print figures as JSON.")
@click.pass_context
def check(context: click.Context, max_age: float, as_json: bool) -> None:
    """Check whether the watcher is alive. The exit code is 1 if it is not. 'watch --check' does the same."""
    from streams.cli import watch

    context.invoke(watch.command, check=True, max_age=max_age, as_json=as_json)
