"""
### publish_figures

Publishes figures of quarters that ended 28 days ago or more, for readers outside the desk. The figures are written into
`marts.public` and the file `public.duckdb`. Small counts are withheld. Other counts are withheld as well if they would
reveal a small count. On most days there is nothing to publish.

An authority's figures are published only after somebody has confirmed the first quarter (`./caf publish --begin`). The
records of the quarter must also be complete (`./caf coverage`). The log says what was not published (`not_published`).

**Do not clear a past run** to publish a quarter again. A published quarter never changes.

**When it is red**: a quarter cannot be published safely, or there are no marts. Earlier publications stay as they are,
and no figure of the new quarter is shown. If figures cannot be protected, the log names them.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task


@dag(
    # A new home must wait for the next scheduled time. Otherwise Airflow would start a run for a time at which the home
    # did not exist.
    schedule=CronTriggerTimetable("30 4 * * *", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    tags=["batch"],
    doc_md=__doc__,
)
def publish_figures() -> None:
    @task(retries=1, retry_delay=timedelta(minutes=30), execution_timeout=timedelta(hours=2))
    def publish() -> None:
        from streams.disclosure import publish as work
        from streams.settings import Settings

        work(Settings.from_env())

    publish()


publish_figures()
