"""
Turns events into alert versions. This module uses neither Kafka nor the clock.

`Alerting` reads everything that it needs from the watcher's state, and writes its decisions there. Both happen in the
caller's transaction.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, partial

from streams.alerts.alert_book import AlertBook
from streams.alerts.cause import Cause
from streams.alerts.first_version import first_version
from streams.alerts.handling import handled_by_alert
from streams.alerts.routing.router import Router
from streams.alerts.routing.unroutable import reaches_nobody
from streams.alerts.standing import Place, place_of
from streams.alerts.trial import is_trial, trial_alert
from streams.contracts import Accepted, Rejected
from streams.contracts.checks import arrived_at
from streams.contracts.columns import events_table
from streams.contracts.escalation import AlertAcknowledged
from streams.contracts.outputs import Alert
from streams.names import SAFEGUARDING_TOPICS
from streams.rules.answers import AlertRow, FamilyDesk
from streams.rules.postgres.engine import PostgresEngine
from streams.times import aware
from streams.watch.rule_sets import RuleSets
from streams.watch.state.agenda import Pending
from streams.watch.state.events import Recorded
from streams.watch.state.state import State
from streams.watch.touched import touched_by

__all__ = ["PENDING_PLACES", "Alerting"]

_CHUNK_PLACES = 1_000
"""The most families and records that one SQL statement evaluates. Evaluating this many takes half a second."""
_ALONE_PLACES = 200
"""If a batch affects more families and records than this, the standbys help to evaluate it."""
PENDING_PLACES = 250
"""How many pending families and records a watcher takes at once. Evaluating this many takes 0.1 s."""
_EVER = datetime.min.replace(tzinfo=UTC)
_INSTANT = timedelta(microseconds=1)


class Alerting:
    """Evaluates the rules on the watcher's state. Stores the resulting alert versions, with their recipients."""

    def __init__(self, engine: PostgresEngine, state: State, router: Router, case_url: str) -> None:
        self.state = state
        self._engine = engine
        self._router = router
        self._rules = engine.compiled.rules
        self._sets = RuleSets(self._rules)
        self._case_url = case_url

    def evaluate(self, records: Collection[Accepted | Rejected], as_of: datetime, now: datetime) -> None:
        """
        Store the records of a batch, and the alert versions that result from its events.

        Unreadable records are only stored here, and `report` evaluates them. If the batch affects more than 200
        families and records, they are only listed here as pending, and `evaluate_pending` evaluates them.

        Args:
            as_of: the time up to which all records have been read. A deadline after this time counts as not yet passed.
            now: the time at which the versions are raised.
        """
        events = [record for record in records if isinstance(record, Accepted)]
        recorded = [Recorded.of(event) for event in events]
        parted = self.state.events.add(events, recorded)
        self._quarantine(records)
        touched = touched_by(self.state, self._sets, events, recorded)
        newest = max((record.received_ms for record in records), default=0)
        for family in parted:
            touched.note(("family", family), newest, self._sets.all)
        as_of = max(as_of, arrived_at(newest))
        if len(touched.arrived) <= _ALONE_PLACES:
            self._change(touched.rules, as_of, now, at=touched.arrival, amendments=touched.amendments)
        else:
            self.state.agenda.put_pending(touched.pending(), as_of, now)
        for event in events:
            if is_trial(event.fact):
                self._answer(event.fact, event.received_ms, now)

    def keep(self, records: Collection[Accepted | Rejected]) -> None:
        """
        Store records that another leader has already evaluated.

        The alerts that result from these records are found later, when all families are reviewed.
        """
        self.state.add_judged([record for record in records if isinstance(record, Accepted)])
        self._quarantine(records)

    def evaluate_pending(self, taken: Collection[Pending]) -> None:
        """Evaluate some of a batch's pending families and records, and store the resulting alert versions."""
        if not taken:
            return
        first, *_ = taken
        arrived = {one.place: one.arrived_at for one in taken}
        amendments = {one.place: one.amendment for one in taken if one.amendment is not None}
        asked = {one.place: one.asked for one in taken}
        self._change(asked, first.as_of, first.taken_in_at, at=arrived.__getitem__, amendments=amendments)

    def report(self, limit: int, as_of: datetime, now: datetime) -> bool:
        """Evaluate up to `limit` unreadable records; return whether more of them may be waiting."""
        at = {("record", record): received_at for record, received_at in self.state.agenda.unevaluated(limit).items()}
        as_of = max([as_of, *at.values()])
        for places in _chunks(at):
            self._change(self._by_all(places), as_of, now, at=at.__getitem__, amendments={})
        return len(at) == limit

    def due(self, as_of: datetime, now: datetime) -> None:
        """Evaluate the families with a deadline before `as_of`."""
        passed = self.state.agenda.pop_due(as_of)
        at: dict[Place, datetime] = {}
        for deadline in passed:
            place = ("family", deadline.family_id)
            at[place] = max(aware(deadline.due_at), at.get(place, _EVER))
        for places in _chunks(at):
            until = max(as_of, max(at.values()) + _INSTANT)
            self._change(self._by_all(places), until, now, at=at.__getitem__, amendments=None)

    def review(self, limit: int, as_of: datetime, now: datetime) -> bool:
        """
        Evaluate all rules for up to `limit` of the families that are marked for review.

        Return whether more families may be waiting.
        """
        families = self.state.agenda.to_review(limit)
        at = {("family", family): arrived_at for family, arrived_at in families.items()}
        self._change(self._by_all(at), as_of, now, at=at.__getitem__, amendments=None)
        return len(families) == limit

    def restate(self, as_of: datetime, now: datetime) -> None:
        """
        Evaluate the families and records that were put off.

        Store new versions of their alerts, including the alerts that only the build raises.
        """
        places = self.state.agenda.take_up()
        for chunk in _chunks(places):
            self._change(self._by_all(chunk), as_of, now, at=places.__getitem__, amendments={}, restates=True)

    def hear(self, alerts: Sequence[Alert]) -> None:
        """
        Store alert versions that were read from the alerts topic.

        Another process may have published some of them.
        """
        if not alerts:
            return
        for alert in self.state.alerts.sent(alerts):
            # Another process has published a different version with this number. Forget this watcher's version, and
            # evaluate its family or record again later.
            self.state.agenda.put_off({place_of(alert): alert.received_at})
            self.state.alerts.forget(alert.alert_id)
        unknown = self.state.alerts.unknown(alerts)
        built = [one for one in unknown if one.family_id is not None and one.rule not in self._rules]
        # The build may not have known a family's new address when it published. New tables are reviewed anyway.
        if built and not self.state.is_new:
            self.state.agenda.put_off({place_of(one): one.received_at for one in built})
        book = self.state.alerts.book({place_of(alert) for alert in unknown})
        self.state.alerts.save([one for alert in unknown if (one := book.record(alert)) is not None], send=False)

    def _quarantine(self, records: Iterable[Accepted | Rejected]) -> None:
        self.state.events.quarantine(
            one for one in records if isinstance(one, Rejected) and one.topic in SAFEGUARDING_TOPICS
        )

    def _by_all(self, places: Iterable[Place]) -> dict[Place, frozenset[str]]:
        return dict.fromkeys(places, self._sets.all)

    def _change(
        self,
        asked: Mapping[Place, Collection[str]],
        as_of: datetime,
        now: datetime,
        *,
        at: Callable[[Place], datetime],
        amendments: dict[Place, str] | None,
        restates: bool = False,
    ) -> None:
        """
        Evaluate each family or record by the rules given for it, and store the resulting alert versions.

        Args:
            asked: the families and records, each with the rules to evaluate.
            at: a function that returns, for a family or record, the time at which the newest record about it arrived or
                its deadline passed.
            amendments: for families and records whose events were changed, whether the newest change is a correction or
                a withdrawal. None means that no event has arrived, and only time has passed.
            restates: whether to store new versions of alerts that only the build evaluates. If false, such versions are
                put off.
        """
        if not asked:
            return
        book = self.state.alerts.book(asked)
        desks: dict[str, FamilyDesk] = {}
        for rules, places in self._sets.grouped(asked).items():
            families = [name for kind, name in places if kind == "family"]
            records = [name for kind, name in places if kind == "record"]
            keys = self.state.events.keys(families, list(book.ids(places)))
            amended = cache(partial(self.state.events.amended, keys.names))
            cause = Cause(at, now, amendments is None, amended, amendments or {})
            with self._engine.evaluating_given(self.state.events.given(keys, records), rules, as_of) as evaluation:
                self.state.agenda.replace_deadlines(families, rules, evaluation.deadlines, as_of)
                current = [self._first_version(row, now) for row in evaluation.alerts]
                handled = handled_by_alert(evaluation.actions)
                changed = book.changes(current, places, rules, cause, handled=handled)
                found = evaluation.desks()
            # Of other families, only some events were loaded, so their desks may be wrong.
            desks.update((family, found[family]) for family in families if family in found)
            self._store(book, changed, desks, restates=restates)

        # This comes last, because a version that says something new already shows the new area.
        def has_moved(alert: Alert) -> bool:
            return alert.family_id is not None and self._router.has_moved(alert, desks.get(alert.family_id))

        self._store(book, book.moved(asked, has_moved, at, now), desks, restates=restates)

    def _store(
        self, book: AlertBook, versions: Iterable[Alert], desks: Mapping[str, FamilyDesk], *, restates: bool
    ) -> None:
        """Route and store versions. Put off those of alerts that only the build evaluates, unless `restates` is set."""
        routed = list(self._routed(book, versions, desks))
        own = [alert for alert in routed if restates or alert.version == 1 or alert.rule in self._rules]
        self._keep(book, own)
        if later := {place_of(alert): alert.received_at for alert in routed if alert not in own}:
            self.state.agenda.put_off(later)

    def _first_version(self, row: AlertRow, now: datetime) -> Alert:
        return first_version(row, self._rules[row.rule].clears_when, self._case_url, now)

    def _routed(self, book: AlertBook, alerts: Iterable[Alert], desks: Mapping[str, FamilyDesk]) -> Iterator[Alert]:
        """Yield the versions with their recipients. If a version reaches nobody, also yield an alert that says so."""
        for alert in alerts:
            desk = None if alert.family_id is None else desks.get(alert.family_id)
            routed = self._router.address(alert, desk, book.recipients(alert))
            yield routed
            lost = reaches_nobody(routed, self._router.authority)
            if lost is not None and not book.has(lost):
                yield lost

    def _keep(self, book: AlertBook, versions: Iterable[Alert]) -> None:
        """Store versions, and write them to the outbox."""
        self.state.alerts.save([one for version in versions if (one := book.record(version)) is not None], send=True)

    def _answer(self, fact: AlertAcknowledged, received_ms: int, now: datetime) -> None:
        """
        Raise the test alert that somebody asked for.

        First run the rules without any events. If they cannot be run, no test alert is raised.
        """
        self._engine.evaluate(events_table([], now), None, self._rules, now)
        alert = trial_alert(fact.alert_id, arrived_at(received_ms), now)
        if not self.state.alerts.places([alert.alert_id]):
            self._keep(AlertBook(), [alert])


def _chunks(places: Iterable[Place]) -> Iterator[list[Place]]:
    ordered = sorted(places)
    for start in range(0, len(ordered), _CHUNK_PLACES):
        yield ordered[start : start + _CHUNK_PLACES]
