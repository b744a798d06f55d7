"""
### build_data_docs

Builds the Data Docs of Great Expectations: pages that show each check, and whether the last day and hour passed it. The
pages contain no values from records.

**Do not run it by hand** while records of an import are landing. The DAG reads a whole day of events, which slows down
the import.

**When it is red**: only the documentation is out of date. Run it again. If it fails again, read the log.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task


@dag(
    # A new home must wait for the next scheduled time. Otherwise Airflow would start a run for a time at which the home
    # did not exist.
    schedule=CronTriggerTimetable("15 * * * *", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    tags=["quality"],
    doc_md=__doc__,
)
def build_data_docs() -> None:
    @task(retries=1, retry_delay=timedelta(minutes=1), execution_timeout=timedelta(minutes=20))
    def build_docs() -> None:
        from expectations import build_docs as build
        from streams.settings import Settings

        build(Settings.from_env())

    build_docs()


build_data_docs()
