"""
### build_data_docs

Builds the Data Docs of Great Expectations from the stored results: what was checked, how often it held, no values.

**Do not run it by hand** while a council's import lands: it reads all results and competes for the machine.

**When it is red**: only documentation is stale; run it again, then read the log.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task


@dag(
    # A new home waits for the next time, and does not begin with a run that was never due there.
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
