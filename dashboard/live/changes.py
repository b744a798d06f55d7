"""
Tells browsers what has changed, with server-sent events, so that they load it again.

An event is a word (`alerts`, `figures`) and never content, because the page itself decides what a reader may see.
Readers who are not logged in do not even learn that an alert was raised: its time would reveal something about a child.
"""

import asyncio
from collections.abc import AsyncIterator

from dashboard.access.audience import Audience

__all__ = ["Changes"]

_TOLD = {"figures": Audience.EVERYBODY, "alerts": Audience.FIGURES}
"""The lowest audience that gets each word. A word that is not here is for the desk."""

_QUIET_SECONDS = 15.0
"""If nothing changes, a comment is sent after this many seconds, so that a lost connection is noticed."""
_GATHER_SECONDS = 0.2
"""How long changes are gathered, so that a burst of alerts becomes one event."""


class Changes:
    """Every open connection, with the words that it has not been sent yet."""

    def __init__(self) -> None:
        self._told: dict[asyncio.Event, set[str]] = {}
        self._readers: dict[asyncio.Event, Audience] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Set the event loop in which the connections run."""
        self._loop = loop

    def say(self, word: str) -> None:
        """Send a word to every connection. Any thread may call this."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._spread, word)

    async def stream(self, audience: Audience) -> AsyncIterator[str]:
        """Yield the events for one connection of an audience, for as long as it is open."""
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
