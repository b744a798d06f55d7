"""
### land_events

Writes every record of every topic into the lake, once: events that the contract accepts into `landing.events`,
the others, whole, into `landing.quarantine`.
Great Expectations then judges what was stored; it flags rows and may hold the marts, it never holds back an alert.
Each commit rings the doorbell of `build_marts`.

**Do not trigger it by hand**: the schedule keeps exactly one run; a second lander waits for the first one's locks.

**When it is red**: nothing is lost; the next try resumes at the first offset that has no row.
Read the log, then `./caf verify`. Rejected records are in `./caf quarantine`.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import Asset, dag, task


@dag(
    schedule="@continuous",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["stream"],
    doc_md=__doc__,
)
def land_events() -> None:
    @task(
        retries=10_000,
        retry_delay=timedelta(seconds=2),
        execution_timeout=timedelta(hours=5),
        outlets=[Asset("caf_landing")],
    )
    def land() -> None:
        from expectations import validate
        from streams.land import run
        from streams.settings import Settings
        from streams.stack.doorbell import Doorbell

        settings = Settings.from_env()
        run(settings, validator=validate, on_commit=Doorbell(settings, "caf_landing").ring, for_seconds=4 * 3600)

    land()


land_events()
