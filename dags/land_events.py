"""
### land_events

Writes every record of every topic into the lake, exactly once. Events that the contract accepts go into
`landing.events`. All other records are kept whole in `landing.quarantine`. Great Expectations then validates the stored
rows. This can flag rows or hold the marts, but never stops an alert. Each commit rings the doorbell, which starts
`build_marts`.

**Do not trigger it by hand**. The schedule always keeps one run going. A second run would only wait for the locks of
the first.

**When it is red**: nothing is lost. The next attempt starts at the first offset that has no row. Read the log, then run
`./caf verify`. `./caf quarantine` lists rejected records.
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
