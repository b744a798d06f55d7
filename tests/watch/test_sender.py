"""The thread that sends alerts while the next batch is evaluated."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from streams.errors import BrokerUnavailable, LockTaken
from streams.watch.sender import Sender


@contextmanager
def sending(send: Callable[[], dict[int, int]]) -> Iterator[Sender]:
    with closing(Sender(send)) as sender:
        yield sender


def test_everything_is_sent_when_it_is_settled() -> None:
    waiting, sent = [], []

    def send() -> dict[int, int]:
        while waiting:
            sent.append(waiting.pop(0))
        return {0: len(sent)}

    with sending(send) as sender:
        for number in range(200):
            waiting.append(number)
            sender.wake()
            if number % 7 == 0:
                sender.wait(lambda: None)
                assert sent == list(range(number + 1))
        sender.wait(lambda: None)
        assert sender.settled() == {0: 200}
        assert sender.settled() == {}

    assert sent == list(range(200))


def test_it_is_not_settled_while_something_is_on_its_way() -> None:
    begun, may_end = threading.Event(), threading.Event()

    def send() -> dict[int, int]:
        begun.set()
        may_end.wait()
        return {3: 8}

    with sending(send) as sender:
        assert sender.settled() == {}
        sender.wake()
        begun.wait()
        assert sender.settled() is None
        sender.wake()  # A new alert may be too late for the sending that is under way.
        may_end.set()
        sender.wait(lambda: None)
        assert sender.settled() == {3: 8}


def test_failed_sending_raises_in_the_watcher_that_asks() -> None:
    def send() -> dict[int, int]:
        raise LockTaken("another watcher has begun")

    with sending(send) as sender:
        sender.wake()
        sender.wait(lambda: None)
        for _ in range(2):
            with pytest.raises(LockTaken):
                sender.settled()


def test_watcher_that_waits_can_still_end() -> None:
    """The watcher notices that the broker is away, although its alerts are still on their way."""
    may_end = threading.Event()

    def notice() -> None:
        may_end.set()
        raise BrokerUnavailable("the broker is away")

    with sending(lambda: may_end.wait(60) and {}) as sender:
        sender.wake()
        with pytest.raises(BrokerUnavailable):
            sender.wait(notice)
