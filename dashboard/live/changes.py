"""
Tells browsers that the content of a page has changed. The browser then loads the content again.

The server-sent events contain only a word (`alerts`, `figures`), because the page itself decides what a reader may see.
Readers who may see no single alert are not even told that there is one, because the time of an alert would reveal
something about a child.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

from dashboard.access.audience import Audience

__all__ = ["Changes"]

_TOLD = {"figures": Audience.EVERYBODY, "alerts": Audience.AREA}
"""
The audience that gets each word. Audiences that may see more get it as well. All other words are sent only to
the desk.
"""

_QUIET_SECONDS = 15.0
"""After this many seconds without a change, a comment is sent, so that a lost connection is noticed."""
_GATHER_SECONDS = 0.2
"""For how many seconds changes are collected, so that many alerts at once become one event."""


class Changes:
    """All open connections, each with the words that must still be sent to it."""

    def __init__(self) -> None:
        self._told: dict[asyncio.Event, set[str]] = {}
        self._readers: dict[asyncio.Event, Audience] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Set the event loop that serves the connections."""
        self._loop = loop

    def say(self, word: str) -> None:
        """Send a word to the connections of all audiences that may get it. Any thread may call this."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._spread, word)

    async def stream(self, audience: Audience, is_still: Callable[[], bool] = lambda: True) -> AsyncIterator[str]:
        """
        Yield the events for one connection, as long as the connection is open.

        `is_still` says whether the reader still belongs to the audience. If not, the stream ends.
        """
        bell: asyncio.Event = asyncio.Event()
        self._told[bell], self._readers[bell] = set(), audience
        try:
            yield "retry: 2000\nevent: changed\ndata: hello\n\n"
            while True:
                try:
                    await asyncio.wait_for(bell.wait(), _QUIET_SECONDS)
                except TimeoutError:
                    pass
                else:
                    await asyncio.sleep(_GATHER_SECONDS)
                # In a thread, because the answer may come from another server.
                if not await asyncio.to_thread(is_still):
                    return
                if not bell.is_set():
                    yield ": still here\n\n"
                    continue
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
