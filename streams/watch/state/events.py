"""The stored events, the ids that they name together, and unreadable records."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from streams.contracts import Accepted
from streams.contracts.checks import arrived_at
from streams.contracts.event_rows import event_rows
from streams.contracts.record import COORDINATES, Rejected
from streams.lake.session import Session
from streams.rules.crowds import CROWDS, CrowdLimits
from streams.rules.facts import fact_of
from streams.rules.postgres.engine import MANY_EVENTS, Given
from streams.times import naive
from streams.watch.named_ids import ABOUT_HOUSEHOLDS, Named, named_by
from streams.watch.state import event_statements as sql
from streams.watch.state.parameters import as_json, columns

__all__ = ["Events", "Keys", "Recorded"]

_MANY_KEYS = 50
"""If there are this many record keys, there are certainly many events. So the events are not counted."""


class Recorded(NamedTuple):
    """The parts of a stored event that decide which families to evaluate."""

    fact: str | None
    alert_id: str | None
    named: Named

    @classmethod
    def of(cls, event: Accepted) -> "Recorded":
        """Find the parts of an event that decide which families to evaluate."""
        return cls(fact_of(event), getattr(event.fact, "alert_id", None), named_by(event))


class Keys(NamedTuple):
    """The record keys whose events must be loaded, and whether there are many such events."""

    names: list[str]
    has_many: bool


class Events:
    """
    The tables of events and of the ids that they name, as one database session sees them.

    Args:
        columns: the columns of the table of events, as `event_columns` returns them.
        limits: how many families may share an id. If more families share it, it is over-shared and connects nobody.
    """

    def __init__(self, session: Session, columns: Mapping[str, str], limits: CrowdLimits) -> None:
        self._session, self._columns, self._limits = session, columns, limits

    def add(self, events: Sequence[Accepted], recorded: Iterable[Recorded]) -> set[str]:
        """
        Store events. Also store which families, persons and addresses each event names together.

        Args:
            recorded: one item for each event.

        Returns:
            The families that lose a connection, because the id that connected them has become over-shared.
        """
        if not events:
            return set()
        self._session.run(sql.ADD_EVENTS, as_json(event_rows(events, self._columns)))
        return self.relate([one.named for one in recorded])

    def relate(self, named: Sequence[Named]) -> set[str]:
        """Store which ids were named together. Return the families that lose a connection, as `add` does."""
        pairs = [one._asdict() for one in named if len(one.families) + len(one.persons) + len(one.addresses) > 1]
        if not pairs:
            return set()
        self._session.run(sql.ADD_NAMED, as_json(pairs))
        for one in named:
            if one.is_link:
                self._session.run("SELECT link($1, $2)", *one.persons)
        return self._parted(
            {person for one in named for person in one.persons}, {address for one in named for address in one.addresses}
        )

    def _parted(self, persons: Collection[str], addresses: Collection[str]) -> set[str]:
        """Store which of these ids have become over-shared. Return the families that they connected until now."""
        grown = self._session.run(sql.GROWN, sorted(persons), sorted(addresses), *self._limits)
        if not grown:
            return set()
        ids = {kind: [one for name, one in grown if name == kind] for kind in ("person", "link", "address")}
        named = Named([], [*ids["person"], *ids["link"]], ids["address"])
        (parted,) = self._touched([(named, True)])
        self._session.run(sql.ADD_CROWDS, *columns(grown))
        return parted

    def keys(self, families: Collection[str], alerts: Collection[str] = ()) -> Keys:
        """
        Find the record keys whose events must be loaded.

        These are the keys of the events that are needed to evaluate the families, and the ids of the alerts. Actions on
        an alert have the alert's id as their key.
        """
        rows = self._session.run(sql.KEYS, list(families), list(alerts), _MANY_KEYS)
        has_many = len(rows) >= _MANY_KEYS or sum(count for _, count in rows) >= MANY_EVENTS
        return Keys([key for key, _ in rows], has_many)

    def given(self, keys: Keys, records: Collection[str]) -> Given:
        """
        Return the input of the rules, as queries on the state.

        The first query returns the events with the given keys, and the events that were sent again in place of the
        given records. The second query returns the over-shared ids in these events. A third query returns those of the
        given records that are unreadable. It is left out if none of `records` is a position in a topic.
        """
        sources = (("events", sql.LOADED), (CROWDS, sql.CROWDS_LOADED))
        # Only the ids of records are positions in a topic. Ids of test alerts and of alerts about areas are not.
        places = [record.rsplit("/", 2) for record in records if re.fullmatch(COORDINATES, record)]
        if not places:
            return Given(sources, (keys.names, list(records)), keys.has_many)
        unread = columns([(topic, int(partition), int(offset)) for topic, partition, offset in places])
        return Given((*sources, ("quarantine", sql.UNREAD)), (keys.names, list(records), *unread), keys.has_many)

    def quarantine(self, rejected: Iterable[Rejected]) -> None:
        """Store unreadable records, without their content."""
        self.add_unread(
            [
                {
                    "topic": one.topic,
                    "kafka_partition": one.partition,
                    "kafka_offset": one.offset,
                    "received_at": naive(arrived_at(one.received_ms)),
                    "reason": one.reason,
                    "path": one.path,
                    "allowed": one.allowed,
                }
                for one in rejected
            ]
        )

    def add_unread(self, rows: Collection[dict[str, object]]) -> None:
        """Store rows of `landing.quarantine`."""
        if rows:
            self._session.run(sql.ADD_QUARANTINE, as_json(rows))

    def about_the_same(self, events: Sequence[Accepted], recorded: Iterable[Recorded]) -> list[list[Recorded]]:
        """
        Return, for each event, the event itself and all stored events with the same topic, key, source and id.

        These are needed for two reasons. A correction changes what was recorded before. And if a second event has the
        same id, an earlier correction may no longer apply.
        """
        stored: dict[tuple[str, ...], list[tuple[tuple[int, int], Recorded]]] = defaultdict(list)
        keys, ids = {one.key for one in events}, {one.root[1] for one in events}
        for row in self._session.run(sql.SAME_NAME, sorted(keys), sorted(ids)):
            name, place, (fact, alert_id, *named) = row[:4], row[4:6], row[6:]
            stored[name].append((place, Recorded(fact, alert_id, Named(*named))))
        return [
            [
                own,
                *(
                    same
                    for place, same in stored[event.topic, event.key, *event.root]
                    if place != (event.partition, event.offset)
                ),
            ]
            for event, own in zip(events, recorded, strict=True)
        ]

    def touched(self, recorded: Sequence[Recorded]) -> list[set[str]]:
        """
        Return, for each event, the families that it affects.

        An event affects the families that it names, the families of the persons that it names (including linked
        persons), and the families at its addresses or at these persons' addresses.
        """
        return self._touched([(one.named, one.fact in ABOUT_HOUSEHOLDS) for one in recorded])

    def _touched(self, asked: Sequence[tuple[Named, bool]]) -> list[set[str]]:
        """Return the same as `touched`. Each item of `asked` also says whether its event is about households."""
        found = [set(named.families) for named, _ in asked]
        # An event that names only families affects no other family.
        far = [
            named._asdict() | {"is_about_households": are_households, "number": number}
            for number, (named, are_households) in enumerate(asked)
            if named.persons or named.addresses or are_households
        ]
        if far:
            for number, family in self._session.run(sql.TOUCHED, as_json(far)):
                found[number].add(family)
        return found

    def amended(self, keys: Collection[str]) -> dict[tuple[str, str], str]:
        """
        Return the corrected and withdrawn events among those with the given keys, by source and id.

        The value says which of the two happened.
        """
        return {(source, id_): change for source, id_, change in self._session.run(sql.AMENDED, list(keys))}
