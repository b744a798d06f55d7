"""Whether a family agrees to sharing at this moment: from its landed events, once all that arrived has landed."""

import time
from datetime import UTC, datetime

import duckdb

from streams import names
from streams.errors import LakeUnavailable
from streams.kafka.client import end_offsets
from streams.lake.connect import connect
from streams.lake.offsets import next_offsets
from streams.rules.engine import Engine
from streams.settings import Settings

__all__ = ["Consents"]

_POLL_SECONDS = 0.2


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
        arrived = end_offsets(self._settings, [names.CASE_CHANGE])
        try:
            with connect(self._settings, landing="read_only", marts=None) as lake:
                if not self._holds(lake, {(topic, number): end for (topic, number), end in arrived.items()}):
                    return None
                events = lake.execute(
                    "SELECT * FROM landing.main.events WHERE record_key = ?", [family_id]
                ).to_arrow_table()
        except (LakeUnavailable, duckdb.Error):
            return None
        desk = self._engine.desks(events, datetime.now(UTC)).get(family_id)
        return desk is not None and desk.is_sharing_consented

    def _holds(self, lake: duckdb.DuckDBPyConnection, arrived: dict[tuple[str, int], int]) -> bool:
        """Wait until the lake holds what had arrived; False when it takes too long."""
        end = time.monotonic() + self._patience_seconds
        while True:
            landed = next_offsets(lake)
            if all(landed.get(place, 0) >= offset for place, offset in arrived.items()):
                return True
            if time.monotonic() >= end:
                return False
            time.sleep(_POLL_SECONDS)
