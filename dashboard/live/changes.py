"""
Tells browsers what has changed, as server-sent events, so that they ask for it again.

An event is a word (`alerts`, `figures`), never content: what a reader may see is decided where the page is made.
Everybody is not even told that there is an alert: when one came is something about a child.
"""

import asyncio
from collections.abc import AsyncIterator

from dashboard.access.audience import Audience

__all__ = ["Changes"]

_TOLD = {"figures": Audience.EVERYBODY, "alerts": Audience.FIGURES}
"""The words, and who is told them, and those who may see more; a word that is not here is for the desk."""

_QUIET_SECONDS = 15.0
"""Without a change, how often something is sent all the same, so that a lost connection is noticed."""
_GATHER_SECONDS = 0.2
"""How long changes are gathered: a burst of alerts is one event."""


class Changes:
    """Every open connection, and what it has not been told yet."""

    def __init__(self) -> None:
        self._told: dict[asyncio.Event, set[str]] = {}
        self._readers: dict[asyncio.Event, Audience] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Connections live in this loop."""
        self._loop = loop

    def say(self, word: str) -> None:
        """Tell every connection; may be called from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._spread, word)

    async def stream(self, audience: Audience) -> AsyncIterator[str]:
        """The events of one connection of an audience, for as long as it is open."""
        bell: asyncio.Event = asyncio.Event()
        self._told[bell], self._readers[bell] = set(), audience
        try:
            yield "retry: 2000\nevent: changed\ndata: hello\n\n"
            while True:
                try:
                    await asyncio.wait_for(bell.wait(), _QUIET_SECONDS)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                await asyncio.sleep(_GATHER_SECONDS)
                words, self._told[bell] = self._told[bell], set()
                bell.clear()
                for word in sorted(words):
                    yield f"event: changed\ndata: {word}\n\n"
        finally:
            del self._told[bell], self._readers[bell]

    def _spread(self, word: str) -> None:
        least = _TOLD.get(word, Audience.DESK)
        for bell, words in self._told.items():
            if self._readers[bell] >= least:
                words.add(word)
                bell.set()
