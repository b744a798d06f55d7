"""
Compare streamed alerts with rebuilt ones at one cut, and mend what may be mended.

Both speeds run the same SQL, so at the cut of a build the sets of (`alert_id`, severity, status, evidence) are equal,
and every acknowledgement and closing that has arrived is in a version of its alert.
An alert that only the rebuild has is published: silence would be worse.
An alert that only the stream has, or has otherwise, is left standing and reported: an engineer decides,
because taking an alert back needs a correction or a withdrawal as its cause, and that the stream does itself.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import duckdb
import msgspec
import structlog
from kafka import TopicPartition

from streams import names
from streams.build.lock import build_lock
from streams.contracts.outputs import Alert, Recipient
from streams.errors import PartsDisagree
from streams.kafka.client import consumer
from streams.lake.connect import connect
from streams.route.nobody import REACHES_NOBODY, reaches_nobody
from streams.route.router import Router
from streams.route.routes import read_routes
from streams.rules.engine import ALERT_COLUMNS, AlertRow, FamilyDesk
from streams.settings import Settings
from streams.watch.first_version import first_version
from streams.watch.publish import Publisher, alert_of

__all__ = ["Difference", "Reconciliation", "compare", "reconcile"]

log = structlog.get_logger()

_STREAMED = f"""
    select a.alert_id, a.rule, a.version, a.severity, a.closed_at, a.cause_received_at,
           case when a.status = 'closed' then 'open' else a.status end as status,
           list_sort(list_transform(a.evidence, e -> e.source || '#' || e.id)) as evidence
    from landing.main.alerts a
    join marts.run.cut c on c.topic = a.topic and c.kafka_partition = a.kafka_partition
    where a.topic = '{names.ALERTS}' and a.kafka_offset < c.next_offset and not a.test and a.rule <> '{REACHES_NOBODY}'
    qualify row_number() over (partition by a.alert_id order by a.version desc) = 1
"""

"""What the stream says last of each alert; that people closed one is no business of its rule, and compared apart."""

_REBUILT = """
    select alert_id, rule, severity, status,
           list_sort(list_transform(evidence, e -> e.source || '#' || e.id)) as evidence
    from marts.alerts.{model}
"""

_COMPARED = """
    with streamed as (select * from ({streamed}) where status <> 'withdrawn'),
    rebuilt as ({rebuilt}),
    done as (
        select alert_id, max(received_at) as received_at, max(acted_at) filter (fact = 'alert-closed') as closed_at
        from marts.intermediate.int_alert_actions group by alert_id
    ),
    handled as (
        select s.alert_id from streamed s left join done d on d.alert_id = s.alert_id
        where d.received_at > s.cause_received_at
           or (s.closed_at is not null and s.closed_at is distinct from d.closed_at)
    )
    select coalesce(s.alert_id, r.alert_id) as alert_id, coalesce(s.rule, r.rule) as rule,
           case when s.alert_id is null then 'missing' when r.alert_id is null then 'unexplained' else 'different' end,
           concat_ws(', ', case when s.severity <> r.severity then 'severity' end,
                           case when s.status <> r.status then 'status' end,
                           case when s.evidence <> r.evidence then 'evidence' end,
                           case when s.alert_id in (from handled) then 'what people did' end)
    from streamed s full join rebuilt r on r.alert_id = s.alert_id
    where s.alert_id is null or r.alert_id is null
       or (s.severity, s.status, s.evidence) is distinct from (r.severity, r.status, r.evidence)
       or s.alert_id in (from handled)
    order by rule, alert_id
"""

_MISSING = f"""
    select {", ".join(f"a.{column}" for column in ALERT_COLUMNS)}, rules.clears_when,
           1 + coalesce((select max(version) from landing.main.alerts said where said.alert_id = a.alert_id), 0),
           greatest(coalesce(anchor.received_at, a.anchored_at), case when a.deadline < t.as_of then a.deadline end)
    from marts.alerts.{{model}} a
    join marts.reference.rules rules using (rule)
    cross join (select max(as_of) as as_of from marts.run.as_of) t
    left join marts.staging.stg_events anchor
        on anchor.root_source = a.anchor_source and anchor.root_id = a.anchor_id
    where list_contains(?, a.alert_id)
"""
"""Alerts of one rule, with the number of their next version and what caused it: an arrival, or a deadline."""

_DESKS = f"""
    select {", ".join(FamilyDesk._fields)} from marts.intermediate.int_family_desk
    where family_id in (select unnest(?))
"""

_TOLD = """
    select alert_id, recipients from landing.main.alerts where alert_id in (select unnest(?))
    qualify row_number() over (partition by alert_id order by version desc) = 1
"""
"""Whom the latest landed version of alerts is for."""


@dataclass(frozen=True)
class Difference:
    """One alert on which stream and rebuild disagree: `missing` in the stream, `unexplained` by it, or `different`."""

    alert_id: str
    rule: str
    kind: str
    what: str


@dataclass(frozen=True)
class Reconciliation:
    """
    The comparison at one cut; `as_of` is None when no watcher's cut has been built yet.

    `published` alerts were missing in the stream and are on their topic now; they are no difference any more.
    """

    as_of: datetime | None
    alerts: int = 0
    differences: list[Difference] = field(default_factory=list)
    published: int = 0

    def raise_if_different(self) -> None:
        """
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
    Compare at the cut of the last build, which no other build disturbs meanwhile.

    Args:
        publish: publish alerts that the stream lacks, unless it has spoken of them since; leave all others standing.

    Raises:
        BrokerUnavailable: no broker answers.
        LakeUnavailable: the lake does not answer.
    """
    with build_lock(settings), connect(settings) as lake:
        found = compare(lake)
        missing = {one.alert_id for one in found.differences if one.kind == "missing"} if publish else set()
        unsaid = missing - _said_since(settings, lake) if missing else missing
        published = _publish(settings, lake, unsaid) if unsaid else 0
    left = [one for one in found.differences if one.alert_id not in missing]
    found = replace(found, differences=left, published=published)
    kinds = Counter(f"{one.rule} {one.kind}" for one in found.differences)
    log.info("alerts_reconciled", alerts=found.alerts, published=published, differences=dict(kinds))
    return found


def compare(lake: duckdb.DuckDBPyConnection) -> Reconciliation:
    """Compare at the cut of the last build."""
    models = _models(lake)
    if not models:
        return Reconciliation(as_of=None)
    cut = lake.execute(
        "select (select max(as_of) from marts.run.as_of), exists(from marts.run.cut where topic = ?)", [names.ALERTS]
    ).fetchone()
    if not cut[1]:
        return Reconciliation(as_of=None)
    rebuilt = " union all ".join(_REBUILT.format(model=model) for model in models)
    alerts = lake.execute(f"select count(*) from ({rebuilt})").fetchone()[0]
    rows = lake.execute(_COMPARED.format(streamed=_STREAMED, rebuilt=rebuilt)).fetchall()
    return Reconciliation(cut[0], alerts, [Difference(*row) for row in rows])


def _models(lake: duckdb.DuckDBPyConnection) -> list[str]:
    rows = lake.execute(
        "select table_name from duckdb_tables() where database_name = 'marts' and schema_name = 'alerts' "
        "and table_name like 'alert\\_%' escape '\\' order by 1"
    ).fetchall()
    return [model for (model,) in rows]


def _publish(settings: Settings, lake: duckdb.DuckDBPyConnection, alert_ids: Collection[str]) -> int:
    """Publish rebuilt alerts in the version after the last that has landed; returns how many."""
    alerts = []
    for model in _models(lake):
        for *row, clears_when, version, caused_at in lake.execute(
            _MISSING.format(model=model), [list(alert_ids)]
        ).fetchall():
            alerts.append(_next_version(settings, AlertRow(*row), clears_when, version, caused_at))
    publisher = Publisher(settings)
    try:
        publisher.alerts(_routed(settings, lake, alerts))
    finally:
        publisher.close()
    log.warning("missing_alerts_published", rules=dict(Counter(alert.rule for alert in alerts)))
    return len(alerts)


def _next_version(settings: Settings, row: AlertRow, clears_when: str, version: int, caused_at: datetime) -> Alert:
    alert = first_version(row, clears_when, settings.case_url, datetime.now(UTC))
    return msgspec.structs.replace(
        alert, version=version, status_reason="reconciled", received_at=caused_at.replace(tzinfo=UTC)
    )


def _routed(settings: Settings, lake: duckdb.DuckDBPyConnection, alerts: Collection[Alert]) -> Iterator[Alert]:
    """The alerts with those they are for, as a watcher would say; see `streams.watch.judge`."""
    router = Router(settings.authority, read_routes())
    families = list({alert.family_id for alert in alerts if alert.family_id is not None})
    desks = {row[0]: FamilyDesk(*row) for row in lake.execute(_DESKS, [families]).fetchall()}
    told = dict(lake.execute(_TOLD, [[alert.alert_id for alert in alerts]]).fetchall())
    for alert in alerts:
        known = msgspec.convert(told.get(alert.alert_id, []), list[Recipient])
        routed = router.address(alert, desks.get(alert.family_id), known)
        yield routed
        lost = reaches_nobody(routed, settings.authority)
        if lost is not None:
            yield lost


def _said_since(settings: Settings, lake: duckdb.DuckDBPyConnection) -> set[str]:
    """Alerts of which a version is on the topic after the cut."""
    cut = lake.execute(
        "select kafka_partition, next_offset from marts.run.cut where topic = ?", [names.ALERTS]
    ).fetchall()
    reader = consumer(settings, [names.ALERTS])
    try:
        ends = reader.end_offsets(reader.assignment())
        for partition, offset in cut:
            reader.seek(TopicPartition(names.ALERTS, partition), offset)
        said = set()
        while any(reader.position(partition) < end for partition, end in ends.items()):
            records = (record for batch in reader.poll(timeout_ms=500).values() for record in batch)
            said |= {alert.alert_id for record in records if (alert := alert_of(record.value)) is not None}
        return said
    finally:
        reader.close()
