"""
### inform_people

Informs people who do not read the alerts topic. Referrers get a letter about the decision on their referral
(`caf.referral.feedback.v1`). Partners get those details of an alert that the sharing policy permits
(`caf.escalation.alerts.<role>.v1`). The two tasks run for hours, so that they rarely have to compile the rules. The
next run starts a second after they end.

**Do not trigger it by hand**. The schedule always keeps one run going, and a second run could inform somebody twice.

**When it is red**: letters and notices are late, but not lost. The next attempt continues where the last one ended. An
invalid sharing policy stops only `share`. Nothing is shared until somebody corrects the policy.
"""

from datetime import UTC, datetime, timedelta

from airflow.sdk import dag, task

_RETRIES = 10_000
_RETRY_DELAY, _TIMEOUT = timedelta(seconds=5), timedelta(hours=5)


@dag(
    schedule="@continuous",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["stream"],
    doc_md=__doc__,
)
def inform_people() -> None:
    @task(retries=_RETRIES, retry_delay=_RETRY_DELAY, execution_timeout=_TIMEOUT)
    def feedback() -> None:
        import os

        from streams.settings import Settings
        from streams.tell.referrers.post import post

        # Alerts are more urgent than letters. So this process runs with a lower CPU priority.
        os.nice(10)
        post(Settings.from_env(), for_seconds=4 * 3600)

    @task(retries=_RETRIES, retry_delay=_RETRY_DELAY, execution_timeout=_TIMEOUT)
    def share() -> None:
        import os

        from streams.settings import Settings
        from streams.tell.partners.policy import POLICY_FILE, read_policy
        from streams.tell.partners.share import share as tell

        os.nice(10)
        tell(Settings.from_env(), read_policy(POLICY_FILE), for_seconds=4 * 3600)

    feedback()
    share()


inform_people()
