"""
### back_up

Copies the lake, and everything that people have entered, into the folder that `CAF_BACKUP` names. Everything goes on
meanwhile. Files that the folder has already are not copied again. The newest `CAF_BACKUP_KEEP` backups are kept. If
`CAF_BACKUP` is not set, the run is skipped.

**Do not use one folder for two homes.** The second home is refused.

**When it is red**: there is no new backup, and earlier ones are as they were. The log says why, for example that the
disk of the folder is full. The records are safe in the lake. `./caf backup verify` checks the backups that there are.
"""

from datetime import timedelta

from airflow.sdk import CronTriggerTimetable, dag, task


@dag(
    # A new home must wait for the next scheduled time. Otherwise Airflow would start a run for a time at which the home
    # did not exist.
    schedule=CronTriggerTimetable("30 1 * * *", timezone="UTC", run_immediately=timedelta(0)),
    catchup=False,
    max_active_runs=1,
    tags=["lake"],
    doc_md=__doc__,
)
def back_up() -> None:
    @task(task_id="back_up", retries=2, retry_delay=timedelta(minutes=30), execution_timeout=timedelta(hours=12))
    def copy() -> None:
        from pathlib import Path

        from airflow.sdk.exceptions import AirflowSkipException

        from streams.backup.folder import BackupFolder
        from streams.backup.take import back_up as work
        from streams.settings import Settings

        settings = Settings.from_env()
        if not settings.backup:
            raise AirflowSkipException("CAF_BACKUP is not set, so there is no folder to copy into")
        key = Path(settings.backup_key) if settings.backup_key else None
        work(settings, BackupFolder(Path(settings.backup), key), keep=settings.backup_keep, say=print)

    copy()


back_up()
