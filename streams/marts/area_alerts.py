"""
Publish alerts of the rules that only the build evaluates, as the last build found them.

The watcher evaluates families one by one, so it cannot evaluate a rule about an area. This module publishes new alerts
of such rules, changed versions, and withdrawals. When people act on these alerts, the watcher publishes their actions.
Later versions from this module keep these actions.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime

import duckdb
import msgspec
import structlog

from streams import names
from streams.alerts.handling import handled_as
from streams.alerts.landed import latest_alerts
from streams.alerts.next_version import next_version, says_more, withdrawn
from streams.alerts.published_since import published_since
from streams.alerts.publisher import Publisher
from streams.alerts.routing.from_lake import routed
from streams.alerts.version_lock import version_lock
from streams.contracts.codesets import AlertStatus
from streams.contracts.outputs import Alert
from streams.lake.connect import connect
from streams.lake.offsets import next_offsets
from streams.lake.one_row import one_row
from streams.marts.built_alerts import built_alerts, built_models
from streams.marts.lock import build_lock
from streams.settings import Settings
from streams.times import aware

__all__ = ["publish_build_alerts"]

log = structlog.get_logger()

_IS_BEHIND = f"""
    with built as (
        select cut, as_of from marts.run.builds
        where ok and started_at > (select max(started_at) from marts.run.builds) - interval 1 day
    ),
    parts as (select unnest(map_entries(cut)) as part from built),
    offsets as (
        select part.key as topic, generate_subscripts(part.value, 1) - 1 as kafka_partition,
               unnest(part.value) as next_offset
        from parts
    )
    select (select max(as_of) from built) > (select max(as_of) from marts.run.as_of) or exists (
        select 1 from offsets left join marts.run.cut c using (topic, kafka_partition)
        where topic <> '{names.ALERTS}' and offsets.next_offset > coalesce(c.next_offset, 0)
    )
"""
"""
SQL that is true if an earlier build within the last day read more than the last build. This can happen if a watcher had
to catch up.
"""

_SAID = "select distinct alert_id from landing.main.alerts where list_contains(?, rule) and not test"

_ARRIVED = """
    with evidence as (
        select unnest(?::varchar[]) as alert_id, unnest(?::varchar[]) as source, unnest(?::varchar[]) as id
    )
    select evidence.alert_id, max(events.received_at), count(*) = count(events.root_id)
    from evidence
    left join marts.staging.stg_events events
        on events.root_source = evidence.source and events.root_id = evidence.id
    group by evidence.alert_id
"""
"""SQL that returns, for each alert, when its newest evidence arrived, and whether all evidence is still in force."""


def publish_build_alerts(settings: Settings) -> int:
    """
    Publish alerts of the last build that the topic lacks, and withdraw alerts that the build no longer finds.

    If the last build read less than an earlier one, nothing is published. If a version of an alert has not landed yet,
    the alert waits for the next build, which takes this version into account.

    Returns:
        How many versions were published.

    Raises:
        BrokerUnavailable: there are versions to publish, and no broker answers.
        LakeUnavailable: the lake does not answer.
    """
    settings = settings.acting_as("build")
    with build_lock(settings), connect(settings) as lake:
        models = built_models(lake, of_build_rules=True)
        if not models or one_row(lake.execute(_IS_BEHIND))[0]:
            return 0
        # Read the offsets before the alerts. A version that lands in between then counts as not landed, so it is not
        # published again.
        offsets = {part: next_ for (topic, part), next_ in next_offsets(lake).items() if topic == names.ALERTS}
        rebuilt = {alert.alert_id: alert for alert in built_alerts(settings, lake, models)}
        changes = list(_changes(rebuilt, _said(lake, models)))
        if not changes:
            return 0
        # Create the publisher before reading the topic. Creating it fences any earlier publisher, so all versions of
        # that publisher are on the topic by then.
        with version_lock(settings) as lock, closing(Publisher(settings, lock)) as publisher:
            since = published_since(settings, offsets)
            unsaid = [alert for alert in changes if alert.alert_id not in since]
            if unsaid:
                publisher.alerts(routed(settings, lake, _caused(lake, unsaid)))
                log.info(
                    "build_alerts_published", versions=len(unsaid), rules=dict(Counter(one.rule for one in unsaid))
                )
    return len(unsaid)


def _said(lake: duckdb.DuckDBPyConnection, models: Sequence[str]) -> dict[str, Alert]:
    """Return the latest landed version of each alert that comes from these models."""
    rules = [model.removeprefix("alert_") for model in models]
    alert_ids = [alert_id for (alert_id,) in lake.execute(_SAID, [rules]).fetchall()]
    return {alert.alert_id: alert for alert in latest_alerts(lake, alert_ids)}


def _changes(rebuilt: dict[str, Alert], said: dict[str, Alert]) -> Iterator[Alert]:
    """
    Yield the versions that make the topic agree with the rebuilt alerts.

    A new version keeps what people have done about the alert, unless the version gives people a new reason to act
    (`says_more`).
    """
    for alert_id, alert in rebuilt.items():
        if (known := said.get(alert_id)) is None:
            yield alert
            continue
        now = alert if says_more(alert, known) else handled_as(alert, known)
        if (version := next_version(now, known, do_times_count=False)) is not None:
            yield version
    raised_at = datetime.now(UTC)
    for alert_id, alert in said.items():
        if alert_id not in rebuilt and alert.status != AlertStatus.WITHDRAWN:
            yield msgspec.structs.replace(withdrawn(alert, None), raised_at=raised_at)


def _caused(lake: duckdb.DuckDBPyConnection, alerts: Collection[Alert]) -> list[Alert]:
    """
    Add to each version the time of its cause.

    This is the time at which the newest evidence arrived, or the anchor's time if that is later. For a withdrawal, the
    time of the cause is not known, so the time of the build is used instead. The reason of the withdrawal says whether
    the alert's own evidence is still in force.
    """
    evidence = [(alert.alert_id, item.source, item.id) for alert in alerts for item in alert.evidence]
    columns = [list(column) for column in zip(*evidence, strict=True)] or [[], [], []]
    found = {alert_id: row for alert_id, *row in lake.execute(_ARRIVED, columns).fetchall()}
    (as_of,) = one_row(lake.execute("select max(as_of) from marts.run.as_of"))
    return [_cause(alert, as_of, *found.get(alert.alert_id, (None, True))) for alert in alerts]


def _cause(alert: Alert, as_of: datetime, arrived_at: datetime | None, is_whole: bool) -> Alert:
    if alert.status == AlertStatus.WITHDRAWN:
        reason = "late_evidence" if is_whole else "event_withdrawn"
        return msgspec.structs.replace(alert, status_reason=reason, received_at=aware(as_of))
    return msgspec.structs.replace(alert, received_at=max(aware(arrived_at) or alert.anchored_at, alert.anchored_at))
