"""
### build_marts

Rebuilds alerts and marts from one snapshot. A run starts when records have landed. If none land, a run starts within
two minutes of the last one, because deadlines may have passed. The DAG publishes the alerts of rules that only a build
can evaluate (`locality_surge`, `shared_by_too_many`).

A run lasts ten minutes (`CAF_BUILD_WARM_SECONDS`), and builds whenever records have landed. So dbt has to start only
once in ten minutes. At its end, the run compares streamed alerts with rebuilt alerts. With `CAF_BUILD_ENGINE=spark`, a
run is one build on the cluster that `CAF_SPARK_MASTER` names.

**Do not trigger it by hand** to get figures earlier. Builds run one at a time, and the next build reads everything that
has landed.

**When it is red**: the marts keep their last good state.

- `build` is red with a *hold*: a batch-level expectation failed. The log and `./caf status` name the expectation.
- `reconcile` is red: streamed and rebuilt alerts differ. Alerts that the watcher had not raised have been published. No
  alert has been withdrawn because of the difference. An engineer must read the table in the log.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from streams.settings import Settings


@dag(
    schedule=AssetOrTimeSchedule(
        timetable=CronTriggerTimetable("*/2 * * * *", timezone="UTC"), assets=[Asset("caf_landing")]
    ),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["batch"],
    doc_md=__doc__,
)
def build_marts() -> None:
    @task(
        retries=2,
        retry_delay=timedelta(seconds=10),
        execution_timeout=timedelta(hours=Settings.from_env().build_hours),
    )
    def build() -> None:
        import os

        from expectations import holds
        from streams.marts import follow
        from streams.marts.area_alerts import publish_build_alerts
        from streams.nation.build import build_on_spark

        # Alerts are more urgent than figures. So this process runs with a lower CPU priority.
        os.nice(10)
        settings = Settings.from_env()
        if settings.build_engine == "spark":
            build_on_spark(settings, master=settings.spark_master, holds=holds)
            publish_build_alerts(settings)
            return
        follow(
            settings,
            holds=holds,
            for_seconds=settings.build_warm_seconds,
            held_seconds=45,
            on_build=lambda _: publish_build_alerts(settings),
        )

    @task(retries=2, retry_delay=timedelta(seconds=10), execution_timeout=timedelta(minutes=10))
    def reconcile() -> None:
        from streams.lake.sign import sign_of_life
        from streams.marts.reconcile import reconcile as compare

        settings = Settings.from_env()
        with sign_of_life(settings, "reconcile"):
            compare(settings, publish=True).raise_if_different()

    build() >> reconcile()


build_marts()
