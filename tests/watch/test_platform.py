"""
Platform teams can change settings of a database or a role for all sessions.

Settings for all sessions must not change results and must not stop a watcher.
"""

from contextlib import closing
from datetime import UTC, datetime, timedelta

from streams.lake.connect import catalog_dsn
from streams.lake.session import Session
from streams.watch.run import run

SETTINGS = {
    "statement_timeout": "300ms",
    "lock_timeout": "1ms",
    "idle_session_timeout": "300ms",
    "idle_in_transaction_session_timeout": "100ms",
    "transaction_timeout": "300ms",
    "default_transaction_isolation": "serializable",
    "datestyle": "German",
    "intervalstyle": "sql_standard",
    "bytea_output": "escape",
    "timezone": "Asia/Tokyo",
    "client_encoding": "LATIN1",
    "search_path": "nowhere",
    "extra_float_digits": "-15",
    "enable_indexscan": "off",
    "max_parallel_workers_per_gather": "8",
    "plan_cache_mode": "force_custom_plan",
}


def test_settings_for_everyone_change_nothing(watch_settings, project, referral, send, alerts):
    """The watcher stays in one term, and still raises an alert after six seconds without records."""
    database = watch_settings.database
    with closing(Session(catalog_dsn(watch_settings), "a test")) as session:
        for name, value in SETTINGS.items():
            session.command(f"ALTER DATABASE {database} SET {name} = '{value}'")
    now = datetime.now(UTC)
    send(referral(1, "F-1", at=now - timedelta(hours=3)))
    steps = iter([lambda: send(referral(2, "F-1", at=now - timedelta(hours=2)))])
    started = datetime.now(UTC)

    def done() -> bool:
        if datetime.now(UTC) > started + timedelta(seconds=6):
            next(steps, lambda: None)()
        return bool(alerts())

    watched = run(watch_settings, until=done, for_seconds=60, project=project)

    assert [(alert.family_id, alert.version) for alert in alerts()] == [("F-1", 1)]
    assert watched.terms == 1
