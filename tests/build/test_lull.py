"""Builds wait for the end of a bulk, and not for ever."""

from streams.build.lull import BULK, PATIENCE_SECONDS, Lull


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_live_events_put_nothing_off():
    assert Lull().allows(lately=300, waiting=200)


def test_bulk_that_lands_is_built_when_it_is_over():
    lull = Lull()

    assert not lull.allows(lately=10 * BULK, waiting=0)
    assert lull.allows(lately=0, waiting=0)


def test_what_the_watcher_has_not_judged_is_a_bulk():
    """Its cut moves in leaps: the marts would be built at one that is old already."""
    assert not Lull().allows(lately=0, waiting=10 * BULK)


def test_endless_bulk_is_built_now_and_then():
    clock = Clock()
    lull = Lull(clock)
    allowed = []
    for _ in range(5 * 60):
        clock.now += 1
        if lull.allows(lately=10 * BULK, waiting=0):
            allowed.append(clock.now)

    assert len(allowed) == 300 // (PATIENCE_SECONDS + 1)
