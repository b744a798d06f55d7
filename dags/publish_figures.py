"""
### publish_figures

Publishes, for readers outside the desk, the quarters that closed 28 days ago or more: into `marts.public` and the file
`public.duckdb`. Small counts are withheld, with as many others as it takes. On most days it finds nothing to do.

Nothing of an authority is published before somebody has confirmed where that begins (`./caf publish --begin`), and no
quarter that is not covered as a whole (`./caf coverage`): the log says so (`not_published`).

**Do not clear a past run** to have a quarter published again: a published quarter never changes.

**When it is red**: a quarter cannot be published safely, or there are no marts. What was published before stands, and
nothing of the new quarter is shown. The log names the authority's figures that lack protection.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task


@dag(
    # A new home waits for the next time, and does not begin with a run that was never due there.
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
