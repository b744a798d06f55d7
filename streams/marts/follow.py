"""Make one build after another as records land."""

import time
from collections.abc import Callable

from streams.errors import MartsHeld
from streams.lake.sign import sign_of_life
from streams.marts.build_log import BuildResult
from streams.marts.builder import Builder, Holds
from streams.marts.pacing import Pacing
from streams.settings import Settings
from streams.times import stops_after

__all__ = ["follow"]

_POLL_SECONDS = 0.5


def follow(
    settings: Settings,
    *,
    holds: Holds | None = None,
    quiet_seconds: float | None = None,
    held_seconds: float | None = None,
    for_seconds: float | None = None,
    fresh_seconds: float = 60.0,
    until: Callable[[], bool] = lambda: False,
    on_build: Callable[[BuildResult], object] = lambda _: None,
) -> int:
    """
    Build whenever new records have landed, and return the number of builds.

    1. Start dbt.
    2. Look for new records twice a second. If a build would read more than the last build did, build. The first build
       is made even if no records have landed.
    3. If a very large number of records is arriving, wait until they have arrived before building, up to a limit
       (`streams.marts.pacing`).
    4. If no build has been made for two minutes, build as well, because deadlines pass even when no records land.
    5. Run the data tests with a build when they are due (`Builder.are_tests_due`).
    6. If the marts are held, report this as the part's state, and try again.

    The function ends after `for_seconds`, or when `until` returns true. It also ends when there was nothing to build
    for `quiet_seconds`, or when the marts were held for `held_seconds`. If `held_seconds` is not given, it is equal to
    `quiet_seconds`.

    Raises:
        MartsHeld: the marts were still held at the end.
        BuildFailed: a model or a test failed.
        LakeUnavailable: the lake does not answer.
    """
    is_over = stops_after(for_seconds, until)
    quiet = quiet_seconds if quiet_seconds is not None else float("inf")
    held_for = held_seconds if held_seconds is not None else quiet
    builds, changed_at, held, pacing = 0, time.monotonic(), None, Pacing()
    with (
        sign_of_life(settings, "build") as sign,
        Builder(settings, holds=holds, fresh_seconds=fresh_seconds) as builder,
    ):
        builder.warm()
        while not is_over():
            ahead = builder.look()
            if held is None:
                sign.turn()
            if held is None and ahead.is_behind:
                changed_at = time.monotonic()
            elif time.monotonic() - changed_at > (quiet if held is None else held_for):
                break
            has_news = ahead.has_news and pacing.allows(lately=ahead.lately, waiting=ahead.waiting)
            if not (has_news or builder.is_clock_due()):
                time.sleep(_POLL_SECONDS)
                continue
            try:
                on_build(builder.build(tests=builder.are_tests_due()))
                builds, held = builds + 1, None
            except MartsHeld as error:
                held = error
                sign.trouble(error)
                time.sleep(_POLL_SECONDS)
        if held is not None:
            raise held
    return builds
