"""
Tells browsers that the content of a page has changed. The browser then loads the content again.

The server-sent events contain only a word (`alerts`, `figures`), because the page itself decides what a reader may see.
Readers who may see no single alert are not even told that there is one, because the time of an alert would reveal
something about a child.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from dashboard.access.audience import Audience

__all__ = ["MOST", "MOST_OF_ADDRESS", "MOST_OF_EVERYBODY", "MOST_OF_SESSION", "Changes", "Listener"]

T = TypeVar("T")

MOST = 500
"""How many connections there may be. A page without a connection works, but does not update by itself."""
MOST_OF_EVERYBODY = 250
"""How many of them readers may have who are not logged in, so that they leave room for desks."""
MOST_OF_ADDRESS = 50
"""How many of these may come from one address. An office has one address for many readers."""
MOST_OF_SESSION = 12
"""How many connections a session may have: one for each page that is open."""

_ASKERS = 4
"""How many threads find out who listens. They may wait for the provider, and then pages need not wait for them."""

_TOLD = {"figures": Audience.EVERYBODY, "alerts": Audience.AREA}
"""
The audience that gets each word. Audiences that may see more get it as well. All other words are sent only to
the desk.
"""

_QUIET_SECONDS = 15.0
"""After this many seconds without a change, a comment is sent, so that a lost connection is noticed."""
_GATHER_SECONDS = 0.2
"""For how many seconds changes are collected, so that many alerts at once become one event."""


@dataclass(frozen=True)
class Listener:
    """Who opens a connection: the audience, and for the limits the network address and the session."""

    audience: Audience
    address: str = ""
    session: str = ""


class Changes:
    """All open connections, each with the words that must still be sent to it."""

    def __init__(self) -> None:
        self._told: dict[asyncio.Event, set[str]] = {}
        self._readers: dict[asyncio.Event, Listener] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._askers = ThreadPoolExecutor(_ASKERS, thread_name_prefix="changes")

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Set the event loop that serves the connections."""
        self._loop = loop

    def say(self, word: str) -> None:
        """Send a word to the connections of all audiences that may get it. Any thread may call this."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._spread, word)

    async def aside(self, ask: Callable[[], T]) -> T:
        """Return the answer of a function that may wait for another server. It keeps no page waiting."""
        return await asyncio.get_running_loop().run_in_executor(self._askers, ask)

    def has_room(self, listener: Listener) -> bool:
        """Return whether one more connection may be opened. Only the event loop may call this."""
        open_ = list(self._readers.values())
        if listener.audience is not Audience.EVERYBODY:
            return len(open_) < MOST and sum(one.session == listener.session for one in open_) < MOST_OF_SESSION
        same = [one for one in open_ if one.audience is Audience.EVERYBODY]
        from_there = sum(one.address == listener.address for one in same)
        return len(open_) < MOST and len(same) < MOST_OF_EVERYBODY and from_there < MOST_OF_ADDRESS

    def end(self) -> None:
        """Stop the threads that find out who listens."""
        self._askers.shutdown(wait=False, cancel_futures=True)

    async def stream(self, listener: Listener, is_still: Callable[[], bool] = lambda: True) -> AsyncIterator[str]:
        """
        Yield the events for one connection, as long as the connection is open.

        `is_still` says whether the reader still belongs to the audience. If not, the stream ends.
        """
        bell: asyncio.Event = asyncio.Event()
        self._told[bell], self._readers[bell] = set(), listener
        try:
            yield "retry: 2000\nevent: changed\ndata: hello\n\n"
            while True:
                try:
                    await asyncio.wait_for(bell.wait(), _QUIET_SECONDS)
                except TimeoutError:
                    pass
                else:
                    await asyncio.sleep(_GATHER_SECONDS)
                if not await self.aside(is_still):
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
            if self._readers[bell].audience >= least:
                words.add(word)
                bell.set()
