"""
### relay_records

Passes on the records of partners from their inbound topics (`caf.inbound.<partner>.v1`) to the input topics, each
exactly once. A record that speaks for somebody else is refused: it is kept in the quarantine with the reason
`forged_source`. The schedule keeps one run going while the table of partners has lines. Without partners, there is
nothing to do, so no run starts.

**Do not trigger it by hand**. A second run would only wait until the first one has ended.

**When it is red**: what partners send waits on the inbound topics, but is not lost. The next attempt continues where
the last transaction ended. The log names the reason. If a line of the table of partners is wrong, correct it.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task

from streams.kafka.partners import partners_if_valid
from streams.settings import Settings


@dag(
    schedule=None if partners_if_valid(Settings.from_env()) == () else "@continuous",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["safety", "stream"],
    doc_md=__doc__,
)
def relay_records() -> None:
    @task(retries=10_000, retry_delay=timedelta(seconds=2), execution_timeout=timedelta(hours=5))
    def relay() -> None:
        from streams.intake.run import run
        from streams.settings import Settings

        run(Settings.from_env(), for_seconds=4 * 3600)

    relay()


relay_records()
