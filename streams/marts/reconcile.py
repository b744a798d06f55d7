"""
Compare streamed alerts with rebuilt alerts at one snapshot, and publish rebuilt alerts that the stream lacks.

The watcher and the build run the same SQL. So at the snapshot of a build, the sets of (`alert_id`, severity, status,
evidence) must be equal, and every acknowledgement and closing that has arrived must be in a version of its alert. An
open alert must show the area in which its family lives, and no alert may show an area if the family's area is unknown
or its address is protected. If only the build has found an alert, the alert is published, because it would be worse
not to raise it. If only the stream has an alert, or if the two differ, the alert stays as it is and is reported. An
engineer must then decide. The alert is not withdrawn here, because a withdrawal must be caused by a correction or a
withdrawal of an event, and the watcher makes such withdrawals itself.

If a sender has sent many unreadable records, the watermark may cover some that have no alert yet. The alerts about
single records are then not compared. They are compared at a later snapshot, when all of them have their alert.
"""

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime

import duckdb
import structlog

from streams import names
from streams.alerts.next_version import reconciled
from streams.alerts.published_since import published_since
from streams.alerts.publisher import Publisher
from streams.alerts.routing.from_lake import routed
from streams.alerts.routing.unroutable import REACHES_NOBODY
from streams.errors import PartsDisagree
from streams.lake.advisory import HeldLock
from streams.lake.connect import connect
from streams.lake.lock_keys import LockKey
from streams.lake.one_row import one_row
from streams.marts.built_alerts import built_alerts, built_models
from streams.marts.lock import build_lock
from streams.rules.register import build_rules, record_rules
from streams.settings import Settings

__all__ = ["Difference", "Reconciliation", "compare", "reconcile"]

log = structlog.get_logger()

_STREAMED = f"""
    select a.alert_id, a.rule, a.version, a.severity, a.acknowledged_at, a.closed_at, a.cause_received_at, a.family_id,
           a.area, a.backfill, a.status = 'open' as is_open,
           case when a.status = 'closed' then 'open' else a.status end as status,
           list_sort(list_transform(a.evidence, e -> e.source || '#' || e.id)) as evidence
    from landing.main.alerts a
    join marts.run.cut c on c.topic = a.topic and c.kafka_partition = a.kafka_partition
    where a.topic = '{names.ALERTS}' and a.kafka_offset < c.next_offset and not a.test and a.rule <> '{REACHES_NOBODY}'
      and not list_contains(?, a.rule)
    qualify row_number() over (partition by a.alert_id order by a.version desc) = 1
"""

"""
SQL for the latest streamed version of each alert.

A closed alert counts as open here, because a person closed it and not its rule. Actions of people are compared
separately.
"""

_REPORTING = """
    select exists (
        from landing.main.heartbeats beat
        join marts.run.as_of built on built.as_of = beat.as_of
        where beat.is_reporting
    )
"""

_BUILT = """
    select alert_id, rule, severity, status, family_id, entity_kind, entity_id, anchor_source, anchor_id,
           list_sort(list_transform(evidence, e -> e.source || '#' || e.id)) as evidence
    from marts.alerts.{model}
"""

_REBUILT = """
    create or replace temp table rebuilt as
    select coalesce(former.alert_id, built.alert_id) as alert_id, built.rule, built.severity, built.status,
           built.evidence
    from ({built}) built
    left join (
        select distinct alert_id, family_id from landing.main.alerts where entity_kind in ('referral', 'child')
    ) former
        on former.family_id = built.family_id
        and former.alert_id = md5(concat_ws(
            '|', built.rule, '', built.entity_kind, built.entity_id, built.anchor_source, built.anchor_id
        ))
"""

_COMPARED = f"""
    with streamed as materialized (select * from ({_STREAMED}) where status <> 'withdrawn'),
    done as (
        select alert_id, max(received_at) as received_at, arg_max(acted_at, received_at) as acted_at,
               max(acted_at) filter (fact = 'alert-closed') as closed_at
        from marts.intermediate.int_alert_actions group by alert_id
    ),
    handled as (
        select s.alert_id from streamed s left join done d on d.alert_id = s.alert_id
        where (d.received_at > s.cause_received_at
               and d.acted_at is distinct from s.acknowledged_at and d.acted_at is distinct from s.closed_at)
           or (s.closed_at is not null and s.closed_at is distinct from d.closed_at)
    ),
    elsewhere as (
        select s.alert_id
        from streamed s
        left join marts.intermediate.int_family_desk desk on desk.family_id = s.family_id
        where s.family_id is not null and not s.backfill
          and s.area is distinct from desk.area and (s.is_open or desk.area is null)
    )
    select coalesce(s.alert_id, r.alert_id) as alert_id, coalesce(s.rule, r.rule) as rule,
           case when s.alert_id is null then 'missing' when r.alert_id is null then 'unexplained' else 'different' end,
           concat_ws(', ', case when s.severity <> r.severity then 'severity' end,
                           case when s.status <> r.status then 'status' end,
                           case when s.evidence <> r.evidence then 'evidence' end,
                           case when s.alert_id in (from handled) then 'what people did' end,
                           case when s.alert_id in (from elsewhere) then 'area' end)
    from streamed s full join rebuilt r on r.alert_id = s.alert_id
    where s.alert_id is null or r.alert_id is null
       or (s.severity, s.status, s.evidence) is distinct from (r.severity, r.status, r.evidence)
       or s.alert_id in (from handled)
       or s.alert_id in (from elsewhere)
    order by rule, alert_id
"""

_MISSING = """
    select a.alert_id,
           1 + coalesce((select max(version) from landing.main.alerts said where said.alert_id = a.alert_id), 0),
           greatest(
               coalesce(
                   (select max(received_at) from marts.staging.stg_events anchor
                    where anchor.root_source = a.anchor_source and anchor.root_id = a.anchor_id
                      and coalesce(anchor.family_id = a.family_id, true)),
                   a.anchored_at
               ),
               case when a.deadline < t.as_of then a.deadline end
           )
    from marts.alerts.{model} a
    cross join (select max(as_of) as as_of from marts.run.as_of) t
    where list_contains(?, a.alert_id)
"""
"""
SQL for one rule's missing alerts: each alert, the number of its next version, and when its cause occurred (an arrival
or a deadline).
"""


@dataclass(frozen=True)
class Difference:
    """
    An alert on which stream and rebuild disagree.

    `kind` is `missing` if the stream lacks the alert, `unexplained` if only the stream has the alert, and otherwise
    `different`.
    """

    alert_id: str
    rule: str
    kind: str
    what: str


@dataclass(frozen=True)
class Reconciliation:
    """
    The result of a comparison at one snapshot. `as_of` is None if nothing was compared, because the snapshot of the
    last build was not a watcher's watermark.

    `published` is the number of alerts that the stream lacked and that were published. Published alerts do not count as
    differences.
    """

    as_of: datetime | None
    alerts: int = 0
    differences: list[Difference] = field(default_factory=list)
    published: int = 0

    def raise_if_different(self) -> None:
        """
        Raise an error if there are differences.

        Raises:
            PartsDisagree: an alert differs.
        """
        if self.differences:
            kinds = ", ".join(sorted({f"{d.rule} {d.kind}" for d in self.differences}))
            raise PartsDisagree(
                f"{len(self.differences)} of {self.alerts} alerts differ between stream and rebuild "
                f"at {self.as_of} ({kinds}); see './caf verify'"
            )


def reconcile(settings: Settings, *, publish: bool = False) -> Reconciliation:
    """
    Compare streamed with rebuilt alerts at the snapshot of the last build. The build lock prevents builds meanwhile.

    Args:
        publish: publish alerts that the stream lacks, unless a version of them has been published since the snapshot.
            All other alerts stay as they are.

    Raises:
        BrokerUnavailable: no broker answers.
        LakeUnavailable: the lake does not answer.
    """
    settings = settings.acting_as("build")
    with build_lock(settings) as lock, connect(settings) as lake:
        found = compare(lake)
        missing = {one.alert_id for one in found.differences if one.kind == "missing"} if publish else set()
        published = _publish(settings, lake, lock, missing) if _unsaid(settings, lake, missing) else 0
    left = [one for one in found.differences if one.alert_id not in missing]
    found = replace(found, differences=left, published=published)
    kinds = Counter(f"{one.rule} {one.kind}" for one in found.differences)
    log.info("alerts_reconciled", alerts=found.alerts, published=published, differences=dict(kinds))
    return found


def compare(lake: duckdb.DuckDBPyConnection) -> Reconciliation:
    """Compare streamed with rebuilt alerts at the snapshot of the last build."""
    left_out = [*build_rules(), *(record_rules() if _is_reporting(lake) else ())]
    models = [
        model for model in built_models(lake, of_build_rules=False) if model.removeprefix("alert_") not in left_out
    ]
    if not models:
        return Reconciliation(as_of=None)
    known = "select (select max(as_of) from marts.run.as_of), exists(from marts.run.cut where topic = ?)"
    snapshot = one_row(lake.execute(known, [names.ALERTS]))
    if not snapshot[1]:
        return Reconciliation(as_of=None)
    lake.execute(_REBUILT.format(built=" union all ".join(_BUILT.format(model=model) for model in models)))
    alerts = one_row(lake.execute("select count(*) from rebuilt"))[0]
    rows = lake.execute(_COMPARED, [left_out]).fetchall()
    return Reconciliation(snapshot[0], alerts, [Difference(*row) for row in rows])


def _is_reporting(lake: duckdb.DuckDBPyConnection) -> bool:
    """Return whether unreadable records of the last build's snapshot were still waiting for their alerts."""
    try:
        return bool(one_row(lake.execute(_REPORTING))[0])
    except duckdb.CatalogException:
        return False  # nothing has been built yet


def _unsaid(settings: Settings, lake: duckdb.DuckDBPyConnection, alert_ids: set[str]) -> set[str]:
    """Return the ids of the given alerts that have no published version since the snapshot."""
    return alert_ids - published_since(settings, _cut_of_alerts(lake)) if alert_ids else alert_ids


def _publish(settings: Settings, lake: duckdb.DuckDBPyConnection, lock: HeldLock, missing: set[str]) -> int:
    """
    Publish rebuilt alerts, and return how many. Each alert gets the version number after its last landed version.

    After that, the broker refuses versions from the present watcher, which does not know these alerts. So the watcher
    begins a new term, for which it first reads the alerts topic. That is why no version number is published twice.
    """
    with closing(Publisher(settings, lock, speaks_for=LockKey.LEADER)) as publisher:
        alert_ids = sorted(_unsaid(settings, lake, missing))
        models = built_models(lake, of_build_rules=False)
        rows = (row for model in models for row in lake.execute(_MISSING.format(model=model), [alert_ids]).fetchall())
        following = {alert_id: (version, caused_at) for alert_id, version, caused_at in rows}
        alerts = [
            reconciled(alert, *following[alert.alert_id]) for alert in built_alerts(settings, lake, models, alert_ids)
        ]
        publisher.alerts(routed(settings, lake, alerts))
    log.warning("missing_alerts_published", rules=dict(Counter(alert.rule for alert in alerts)))
    return len(alerts)


def _cut_of_alerts(lake: duckdb.DuckDBPyConnection) -> dict[int, int]:
    """Return the next offset of each partition of the alerts topic at the snapshot."""
    return dict(
        lake.execute(
            "select kafka_partition, next_offset from marts.run.cut where topic = ?", [names.ALERTS]
        ).fetchall()
    )
