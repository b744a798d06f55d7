"""A watcher without Kafka: records are judged one after another, and it can be started anew from what was kept."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from kafka import TopicPartition

from streams.contracts import decode
from streams.contracts.columns import events_table, quarantine_table
from streams.contracts.outputs import Alert
from streams.route.router import Router
from streams.route.routes import read_routes
from streams.rules.engine import Engine
from streams.watch import restore
from streams.watch.judge import Judge
from tests.oracle.records import Record, decoded

__all__ = ["Stream", "said"]

_INSTANT = timedelta(microseconds=1)


class Stream:
    """Judges batches of records, lets deadlines pass in between, and keeps the latest version of each alert."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._judge = self._new_judge()
        self._published: list[Alert] = []
        self._latest: dict[str, Alert] = {}

    @property
    def standing(self) -> set[tuple]:
        """What must be equal in a rebuild, of every alert that was not withdrawn."""
        return {said(alert) for alert in self._latest.values() if alert.status != "withdrawn"}

    def take(self, records: Iterable[Record]) -> None:
        """Judge records that have arrived together, after the deadlines that passed before."""
        records = list(records)
        now = _arrival(records[-1])
        self.pass_deadlines(now)
        self._publish(self._judge.judge([self._judge.remember(decode(record)) for record in records], now, now))

    def pass_deadlines(self, now: datetime) -> None:
        """Judge each deadline before `now` an instant after it has passed."""
        while (due := self._judge.deadlines.next_due()) is not None and due < now:
            self._publish(self._judge.due(due + _INSTANT, due + _INSTANT))

    def restart(self, taken: Sequence[Record], landed: Sequence[Record], patch: pytest.MonkeyPatch) -> None:
        """
        Start anew, as a watcher does: alerts from their topic, the landed records, then what only the topics have.

        `taken` were judged before; of `landed`, which may be more or fewer, the rest is judged now.
        """
        self._judge = self._new_judge()
        for alert in self._published:
            self._judge.book.record(alert)
        patch.setattr(restore, "connect", lambda *_, **__: _lake(landed))
        judged = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in taken}
        _, unjudged = restore.load_lake(None, self._judge, judged, lambda: None)
        now = _arrival(max([*taken, *landed], key=lambda record: record.timestamp))
        self._publish(self._judge.judge(unjudged, now, now))
        for record in taken[len(landed) :]:
            self._judge.remember(decode(record))
        self._publish([self._judge.review(self._judge.history.families(), now, now)])

    def _new_judge(self) -> Judge:
        return Judge(self._engine, Router("E08000015", read_routes()), "{family_id}")

    def _publish(self, chunks: Iterable[list[Alert]]) -> None:
        for alert in (alert for chunk in chunks for alert in chunk):
            known = self._latest.get(alert.alert_id)
            assert alert.version == (known.version if known else 0) + 1, "a version is said once"
            self._latest[alert.alert_id] = alert
            self._published.append(alert)
            self._judge.book.record(alert)


def said(alert: Alert) -> tuple:
    """What must be equal in both: id, severity, status and evidence."""
    evidence = frozenset(
        (item["source"], item["id"]) if isinstance(item, dict) else (item.source, item.id) for item in alert.evidence
    )
    return alert.alert_id, str(alert.severity), str(alert.status), evidence


def _arrival(record: Record) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)


def _lake(landed: Iterable[Record]) -> duckdb.DuckDBPyConnection:
    """The two landing tables as a lake has them."""
    events, rejected = decoded(landed)
    tables = {"events": events_table(events, datetime.now(UTC))}
    tables["quarantine"] = quarantine_table(rejected, datetime.now(UTC))
    lake = duckdb.connect()
    lake.execute("ATTACH ':memory:' AS landing")
    for name, table in tables.items():
        lake.register("rows", table)
        lake.execute(f"CREATE TABLE landing.main.{name} AS SELECT * FROM rows")
    return lake
