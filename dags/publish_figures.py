"""
### publish_figures

Publishes quarters that ended 28 days ago or more, for readers outside the desk. The figures are written into
`marts.public` and the file `public.duckdb`. Small counts are withheld, and as many other counts as are needed to
protect the small ones. On most days there is nothing to publish.

An authority's figures are published only after somebody has confirmed the first quarter (`./caf publish --begin`). Each
quarter must also be covered as a whole (`./caf coverage`). The log reports what is left out (`not_published`).

**Do not clear a past run** to publish a quarter again. A published quarter never changes.

**When it is red**: a quarter cannot be published safely, or there are no marts. Earlier publications stay as they are,
and nothing of the new quarter is shown. The log names the authority's figures that cannot be protected.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task


@dag(
    # A new home waits for the next scheduled time. Otherwise Airflow would start a run whose time was before the home
    # existed.
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
