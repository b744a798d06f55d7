"""Builds wait until a bulk of records has landed, but not without limit."""

from streams.marts.pacing import BULK, PATIENCE_SECONDS, Pacing


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def test_live_events_do_not_delay_builds():
    assert Pacing().allows(lately=300, waiting=200)


def test_bulk_that_lands_is_built_when_it_is_over():
    pacing = Pacing()

    assert not pacing.allows(lately=10 * BULK, waiting=0)
    assert pacing.allows(lately=0, waiting=0)


def test_records_not_yet_evaluated_count_as_a_bulk():
    """
    During a bulk, the watermark advances in large steps, so a build would use a watermark that is already outdated.
    """
    assert not Pacing().allows(lately=0, waiting=10 * BULK)


def test_endless_bulk_is_built_now_and_then():
    clock = Clock()
    pacing = Pacing(clock)
    allowed = []
    for _ in range(5 * 60):
        clock.now += 1
        if pacing.allows(lately=10 * BULK, waiting=0):
            allowed.append(clock.now)

    assert len(allowed) == 300 // (PATIENCE_SECONDS + 1)
