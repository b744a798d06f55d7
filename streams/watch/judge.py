"""
From events to the alert versions they call for; it knows no Kafka and no clock.

Families are judged in chunks, so that a backfill moves by the thousand and one event costs one small evaluation.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from streams.contracts import Accepted, Rejected
from streams.contracts.columns import events_table, quarantine_table
from streams.contracts.escalation import AlertAcknowledged, AlertClosed
from streams.contracts.outputs import Alert
from streams.names import SAFEGUARDING_TOPICS
from streams.route.nobody import reaches_nobody
from streams.route.router import Router
from streams.rules.answers import ACTION_FACTS, Evaluation, FamilyDesk
from streams.rules.evaluator import Evaluator
from streams.rules.kinds import fact_of
from streams.watch.alert_book import AlertBook, Cause, Place
from streams.watch.deadlines import Deadlines
from streams.watch.first_version import first_version
from streams.watch.handling import handled_by_alert
from streams.watch.history import History
from streams.watch.trial import is_trial, trial_alert

__all__ = ["Judge"]

CHUNK_EVENTS = 4_000
"""Events of touched families that are judged at once; larger chunks are no faster and hold up the heartbeat."""

_CONNECTING = frozenset({"persons-linked", "address-changed"})
"""Facts that connect families: the rules whose answer they can change are those that look beyond one family."""

_INSTANT = timedelta(microseconds=1)


@dataclass
class _Touched:
    """What a batch of records calls for: where to look again, with which rules, and why."""

    rules: set[str]
    arrived: dict[Place, int]
    amendments: dict[Place, str]

    def arrival(self, place: Place) -> datetime:
        return _moment(self.arrived[place])


class Judge:
    """The histories, the rules and the book of alerts, kept in step."""

    def __init__(self, engine: Evaluator, router: Router, case_url: str) -> None:
        self.history = History(engine.crowd_limits)
        self.book = AlertBook()
        self.deadlines = Deadlines()
        self._engine = engine
        self._router = router
        self._rules = engine.compiled.rules
        self._case_url = case_url

    def remember(self, record: Accepted | Rejected) -> Accepted | Rejected:
        """Add a record to the history, and give it back."""
        if isinstance(record, Accepted):
            self.history.add(record)
        elif record.topic in SAFEGUARDING_TOPICS:
            self.history.quarantine(record)
        return record

    def judge(self, records: Collection[Accepted | Rejected], as_of: datetime, now: datetime) -> Iterator[list[Alert]]:
        """
        The versions that remembered records call for, by chunk; each chunk is to be published before the next.

        Args:
            as_of: up to when everything that arrived is remembered; deadlines after it have not passed.
            now: when the versions are raised.
        """
        touched = self._touched(records)
        newest = max((record.received_ms for record in records), default=0)
        as_of = max(as_of, _moment(newest))
        for places in self._chunks(touched.arrived):
            yield self._changes(places, touched.rules, as_of, now, at=touched.arrival, amendments=touched.amendments)
        for record in records:
            if isinstance(record, Accepted) and is_trial(record.fact):
                yield self._trial(record.fact, record.received_ms, now)

    def due(self, as_of: datetime, now: datetime) -> Iterator[list[Alert]]:
        """The versions that deadlines call for that have passed at `as_of`."""
        passed = self.deadlines.pop_due(as_of)
        at: dict[Place, datetime] = {}
        for deadline in passed:
            place = ("family", deadline.family_id)
            at[place] = max(deadline.due_at.replace(tzinfo=UTC), at.get(place, datetime.min.replace(tzinfo=UTC)))
        rules = {deadline.rule for deadline in passed} & self._rules.keys()
        for places in self._chunks(at):
            yield self._changes(
                places, rules, max(as_of, max(at.values()) + _INSTANT), now, at=at.__getitem__, amendments=None
            )

    def review(self, families: Collection[str], as_of: datetime, now: datetime) -> list[Alert]:
        """The versions that families call for under every rule: deadlines passed while nobody watched."""
        rules = {rule.name for rule in self._rules.values() if rule.scope == "family"}
        places = [("family", family) for family in families]

        def arrival(place: Place) -> datetime:
            return _moment(self.history.last_received(place[1]))

        return self._changes(places, rules, as_of, now, at=arrival, amendments=None)

    def restate(self, places: Mapping[Place, datetime], as_of: datetime, now: datetime) -> Iterator[list[Alert]]:
        """The versions that what people did calls for at some places; each gives when that arrived."""
        for chunk in self._chunks(places):
            yield self._changes(chunk, (), as_of, now, at=places.__getitem__, amendments={})

    def judges(self, alert: Alert) -> bool:
        """Whether the alert is one of the rules that are run here."""
        return alert.rule in self._rules

    def _touched(self, records: Collection[Accepted | Rejected]) -> _Touched:
        touched = _Touched(set(), {}, {})
        for record in records:
            if isinstance(record, Rejected):
                if record.topic in SAFEGUARDING_TOPICS:
                    self._touch_record(touched, self.history.record_id(record), record.received_ms)
                continue
            if record.replay_of is not None:
                self._touch_record(touched, record.replay_of, record.received_ms)
            about = self.history.of_same_name(record)
            for place in self._acted_on(about):
                touched.arrived[place] = max(record.received_ms, touched.arrived.get(place, 0))
            rules = self._rules_of(about)
            for family in self.history.touched(about) if rules else ():
                place = ("family", family)
                touched.arrived[place] = max(record.received_ms, touched.arrived.get(place, 0))
                if record.change != "recorded":
                    touched.amendments[place] = record.change
            touched.rules |= rules
        self._touch_parted(touched, records)
        return touched

    def _touch_parted(self, touched: _Touched, records: Collection[Accepted | Rejected]) -> None:
        """Look again at the families that have nothing to do with each other any more."""
        if parted := self.history.pop_parted():
            newest = max((record.received_ms for record in records), default=0)
            touched.arrived |= {("family", one): max(newest, self.history.last_received(one)) for one in parted}
            touched.rules |= {rule.name for rule in self._rules.values() if rule.facts & _CONNECTING}

    def _touch_record(self, touched: _Touched, record: str, received_ms: int) -> None:
        touched.arrived[("record", record)] = received_ms
        touched.rules |= {rule.name for rule in self._rules.values() if rule.scope == "record"}

    def _acted_on(self, events: Iterable[Accepted]) -> set[Place]:
        """Where the alerts are that people say something of."""
        alerts = {event.fact.alert_id for event in events if isinstance(event.fact, AlertAcknowledged | AlertClosed)}
        return {place for alert in alerts if (place := self.book.place(alert)) is not None}

    def _rules_of(self, events: Iterable[Accepted]) -> set[str]:
        """The rules whose answer the facts of these events can change."""
        facts = _facts(events)
        return {rule.name for rule in self._rules.values() if rule.facts & facts}

    def _chunks(self, places: Iterable[Place]) -> Iterator[list[Place]]:
        chunk, weight = [], 0
        for place in sorted(places):
            chunk.append(place)
            weight += 1 + self.history.weight(place[1])
            if weight >= CHUNK_EVENTS:
                yield chunk
                chunk, weight = [], 0
        if chunk:
            yield chunk

    def _changes(
        self,
        places: Collection[Place],
        rules: Collection[str],
        as_of: datetime,
        now: datetime,
        *,
        at: Callable[[Place], datetime],
        amendments: dict[Place, str] | None,
    ) -> list[Alert]:
        """Evaluate places and compare with the book; no `amendments` means that time alone has passed."""
        families = {name for kind, name in places if kind == "family"}
        rejected, replays = self.history.unreadable(name for kind, name in places if kind == "record")
        events = [*self.history.load(families), *replays, *self.history.of_alerts(self.book.ids(places))]
        amended = {event.root: event.change for event in events if event.change != "recorded"}
        cause = Cause(at, now, amendments is None, amended, amendments or {})
        with self._evaluating(events, rejected, rules, as_of) as evaluation:
            self.deadlines.replace(families, rules, evaluation.deadlines, as_of)
            current = self._alerts(evaluation, now)
            handled = handled_by_alert(evaluation.actions)
            changed = self.book.changes(current, places, rules, cause, handled=handled)
            return list(self._routed(changed, evaluation.desks())) if changed else []

    def _routed(self, alerts: Iterable[Alert], desks: Mapping[str, FamilyDesk]) -> Iterator[Alert]:
        """Versions with those they are for; one that reaches nobody is followed by the alert that says so."""
        for alert in alerts:
            routed = self._router.address(alert, desks.get(alert.family_id), self.book.recipients(alert))
            yield routed
            lost = reaches_nobody(routed, self._router.authority)
            if lost is not None and not self.book.has(lost):
                yield lost

    def _evaluating(
        self, events: Collection[Accepted], rejected: Collection[Rejected], rules: Collection[str], as_of: datetime
    ) -> AbstractContextManager[Evaluation]:
        """Run the rules, unless the facts at hand tell that none of them has anything to say."""
        kinds = self._engine.kinds.among(events)
        if self._engine.says_nothing(rules, kinds) and ACTION_FACTS.isdisjoint(kinds):
            return nullcontext(Evaluation([], []))
        unread = quarantine_table(rejected, as_of) if rejected else None
        crowds = self.history.crowds(events)
        return self._engine.evaluating(events_table(events, as_of), unread, rules, as_of, kinds, crowds=crowds)

    def _alerts(self, evaluation: Evaluation, now: datetime) -> Iterator[Alert]:
        for row in evaluation.alerts:
            yield first_version(row, self._rules[row.rule].clears_when, self._case_url, now)

    def _trial(self, fact: AlertAcknowledged, received_ms: int, now: datetime) -> list[Alert]:
        """The test alert that is asked for, after the rules have run on nothing: a broken engine raises none."""
        self._engine.evaluate(events_table([], now), None, self._rules, now)
        alert = trial_alert(fact.alert_id, _moment(received_ms), now)
        return [] if self.book.has(alert) else [alert]


def _facts(events: Iterable[Accepted]) -> set[str]:
    return {fact for event in events if (fact := fact_of(event)) is not None}


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
