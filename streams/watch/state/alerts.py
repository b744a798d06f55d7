"""Stores the latest version of each alert, and the versions that must be sent."""

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from streams.alerts.alert_book import AlertBook
from streams.alerts.standing import Place, Standing
from streams.contracts.outputs import Alert
from streams.lake.session import Session
from streams.watch.state import alert_statements as sql
from streams.watch.state.parameters import columns

__all__ = ["Alerts"]


class Alerts:
    """The tables of alerts, as one database session sees them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def places(self, alert_ids: Collection[str]) -> set[Place]:
        """Return the families and records that the given alerts are about."""
        return set(self._session.run(sql.PLACES, list(alert_ids))) if alert_ids else set()

    def book(self, places: Collection[Place]) -> AlertBook:
        """Return the latest versions of the alerts about the given families and records."""
        kinds = sorted({kind for kind, _ in places})
        rows = self._session.run(sql.BOOK, [name for _, name in places], kinds)
        found = (Standing(msgspec.msgpack.decode(alert, type=Alert), *rest) for alert, *rest in rows)
        return AlertBook(one for one in found if one.place in places)

    def save(self, standing: Iterable[Standing], *, send: bool) -> None:
        """
        Store versions of alerts.

        The versions of one alert must be in order. If `send` is true, also write them to the outbox.
        """
        standing = list(standing)
        encoded = [(one.alert.alert_id, one.alert.version, msgspec.msgpack.encode(one.alert)) for one in standing]
        rows = {
            id_: (id_, *one.place, version, one.since, one.inherits, alert, one.ended_at)
            for one, (id_, version, alert) in zip(standing, encoded, strict=True)
        }
        if rows:
            self._session.run(sql.SAVE_ALERTS, *columns(rows.values()))
        if rows and send:
            self._session.run(sql.PUT_OUT, *columns(encoded))

    def waiting(self, limit: int) -> list[Alert]:
        """Return the oldest versions that are not yet known to be on the alerts topic."""
        return [msgspec.msgpack.decode(alert, type=Alert) for (alert,) in self._session.run(sql.WAITING, limit)]

    def sent(self, alerts: Collection[Alert]) -> list[Alert]:
        """
        Remove versions that are on the alerts topic from the outbox.

        Returns:
            The removed versions that differ from what is on the topic under the same number.
        """
        said = {(one.alert_id, one.version): msgspec.msgpack.encode(one) for one in alerts}
        rows = self._session.run(sql.SENT, *columns(list(said), 2))
        # The database driver returns memoryviews. Convert them to bytes, because a memoryview would always seem to
        # differ.
        others = [bytes(alert) for id_, version, alert in rows if said[id_, version] != bytes(alert)]
        return [msgspec.msgpack.decode(alert, type=Alert) for alert in others]

    def unknown(self, alerts: Collection[Alert]) -> list[Alert]:
        """Return the given versions that are newer than the stored versions of their alerts."""
        asked = columns([(one.alert_id, one.version) for one in alerts], 2)
        known = set(self._session.run(sql.KNOWN, *asked))
        return [one for one in alerts if (one.alert_id, one.version) not in known]

    def forget(self, alert_id: str) -> None:
        """Delete an alert from the state."""
        self._session.run("DELETE FROM alerts WHERE alert_id = $1", alert_id)

    def ended(self, before: datetime) -> list[str]:
        """
        Return the ids of alerts that ended before a given time, but are still on the topic of current alerts.

        The time has a time zone.
        """
        return [alert_id for (alert_id,) in self._session.run(sql.ENDED, before)]

    def retired(self, alert_ids: Collection[str]) -> None:
        """Record that these ended alerts have been removed from the topic of current alerts."""
        self._session.run(sql.RETIRED, list(alert_ids))

    def standing(self, after: str, limit: int) -> list[Alert]:
        """
        Return the next alerts that belong on the topic of current alerts.

        They are in order of their ids, and begin after the id `after`.

        Open alerts belong on this topic, and so do ended alerts that have not been removed from it yet.
        """
        rows = self._session.run(sql.STANDING, after, limit)
        return [msgspec.msgpack.decode(alert, type=Alert) for (alert,) in rows]
