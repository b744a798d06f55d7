"""Find out whether a family agrees to sharing at this moment."""

from datetime import UTC, datetime

from streams import names
from streams.lake.family_events import family_events
from streams.rules.engine import Engine
from streams.settings import Settings

__all__ = ["Consents"]


class Consents:
    """Looks up whether families agree to sharing, one family at a time."""

    def __init__(self, settings: Settings, engine: Engine, patience_seconds: float) -> None:
        """
        Prepare to look up consents.

        Args:
            settings: where the lake is.
            engine: runs the SQL of the rules on a family's events.
            patience_seconds: how long to wait until the lake has all records that have arrived.
        """
        self._settings = settings
        self._engine = engine
        self._patience_seconds = patience_seconds

    def in_force(self, family_id: str | None) -> bool | None:
        """
        Return whether the family agrees to sharing. Return None if the lake does not answer, or still lacks records
        that have arrived.

        Raises:
            BrokerUnavailable: no broker answers.
        """
        if family_id is None:
            return False
        events = family_events(self._settings, [family_id], [names.CASE_CHANGE], self._patience_seconds)
        if events is None:
            return None
        desk = self._engine.desks(events, datetime.now(UTC)).get(family_id)
        return desk is not None and desk.is_sharing_consented
