"""A watcher without Kafka, which evaluates records one after another and can be restarted."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from streams.contracts import decode
from streams.contracts.outputs import Alert
from streams.watch.alerting import Alerting
from tests.oracle.records import Record

__all__ = ["Stream", "said"]

_INSTANT = timedelta(microseconds=1)
_ALL = 1_000_000


class Stream:
    """Evaluates batches of records, lets deadlines pass between them, and keeps the latest version of each alert."""

    def __init__(self, new_alerting: Callable[..., Alerting]) -> None:
        """
        Start with empty tables.

        Args:
            new_alerting: makes an `Alerting` with empty tables, or with the tables of the last `Alerting` if
                `is_new=False`.
        """
        self._new_judge = new_alerting
        self._alerting = new_alerting()
        self._latest: dict[str, Alert] = {}

    @property
    def standing(self) -> set[tuple]:
        """The compared fields of every alert that was not withdrawn. A rebuild must give the same values."""
        return {said(alert) for alert in self._latest.values() if alert.status != "withdrawn"}

    @property
    def areas(self) -> dict[str, str | None]:
        """The area that each open alert about a family shows. It must be the area in which the family lives."""
        return {
            one.alert_id: one.area
            for one in self._latest.values()
            if one.status == "open" and one.family_id is not None and not one.backfill
        }

    def take(self, records: Iterable[Record]) -> None:
        """Evaluate records that arrived together. Deadlines that passed before the arrival are evaluated first."""
        records = list(records)
        now = _arrival(records[-1])
        self.pass_deadlines(now)
        self._alerting.evaluate([decode(record) for record in records], now, now)
        self._alerting.report(_ALL, now, now)
        self._publish()

    def pass_deadlines(self, now: datetime) -> None:
        """Evaluate each deadline before `now` an instant after it has passed."""
        while (due := self._alerting.state.agenda.next_due()[0]) is not None and due < now:
            self._alerting.due(due + _INSTANT, due + _INSTANT)
            self._publish()

    def restart(self) -> None:
        """Replace the `Alerting` as a restarted watcher does."""
        self._alerting = self._new_judge(is_new=False)

    def _publish(self) -> None:
        sent = self._alerting.state.alerts.waiting(_ALL)
        self._alerting.state.alerts.sent(sent)
        for alert in sent:
            known = self._latest.get(alert.alert_id)
            assert alert.version == (known.version if known else 0) + 1, "a version is said once"
            self._latest[alert.alert_id] = alert


def said(alert: Alert) -> tuple:
    """The fields of an alert that must be equal in stream and rebuild: id, severity, status and evidence."""
    evidence = frozenset(
        (item["source"], item["id"]) if isinstance(item, dict) else (item.source, item.id) for item in alert.evidence
    )
    return alert.alert_id, str(alert.severity), str(alert.status), evidence


def _arrival(record: Record) -> datetime:
    return datetime.fromtimestamp(record.timestamp / 1000, UTC)
