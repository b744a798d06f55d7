"""Whether a family agrees to sharing at this moment."""

from datetime import UTC, datetime

from streams import names
from streams.lake.family_events import family_events
from streams.rules.engine import Engine
from streams.settings import Settings

__all__ = ["Consents"]


class Consents:
    """The families' answers on sharing, asked for one after the other."""

    def __init__(self, settings: Settings, engine: Engine, patience_seconds: float) -> None:
        """`patience_seconds` is how long the lake may need to hold all that had arrived."""
        self._settings = settings
        self._engine = engine
        self._patience_seconds = patience_seconds

    def in_force(self, family_id: str | None) -> bool | None:
        """
        Whether the family agrees to sharing; None when the lake cannot tell, because it is away or behind.

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
