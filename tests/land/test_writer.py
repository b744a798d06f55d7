"""
`land` collects a batch of records while it stores the batch before.

The tests cover failures, and the handling of records that are not stored yet.
"""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from streams.errors import LakeUnavailable
from streams.land import run
from streams.land.store import LandingStore, Offsets
from streams.land.verify import verify_offsets
from streams.settings import Settings

Send = Callable[..., None]
Contact = Callable[..., tuple[bytes, bytes]]

store_commit = LandingStore.commit
SECONDS = 30


def test_failed_commit_ends_the_run_and_nothing_after_it_is_stored(
    lake_settings: Settings, send: Send, contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next run reads the records that were not stored again."""
    commits = []

    def fail_the_second(store: LandingStore, tables: object, following: Offsets) -> None:
        if following:  # the first commit has the topic ids and no offsets
            commits.append(following)
        if len(commits) == 2:
            raise LakeUnavailable("no")
        store_commit(store, tables, following)

    send((contact(number) for number in range(20)), partition=0)
    with monkeypatch.context() as patch:
        patch.setattr(LandingStore, "commit", fail_the_second)
        with pytest.raises(LakeUnavailable):
            run(replace(lake_settings, land_batch_rows=5), once=True)
    landed = run(lake_settings, once=True)

    assert (len(commits), landed.rows) == (2, 15)
    assert verify_offsets(lake_settings).differences == []


def test_error_of_the_loop_waits_for_the_commit_that_runs(
    lake_settings: Settings, send: Send, contact: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store is not closed during a commit, and that commit counts."""
    started, loop_failed = threading.Event(), threading.Event()

    def commit_late(store: LandingStore, tables: object, following: Offsets) -> None:
        if following:
            started.set()
            assert loop_failed.wait(SECONDS)
        store_commit(store, tables, following)

    def stops() -> bool:
        if not started.is_set():
            return False
        loop_failed.set()
        raise KeyboardInterrupt

    send((contact(number) for number in range(5)), partition=0)
    with monkeypatch.context() as patch:
        patch.setattr(LandingStore, "commit", commit_late)
        with pytest.raises(KeyboardInterrupt):
            run(replace(lake_settings, land_batch_rows=5), until=stops)

    assert run(lake_settings, once=True).rows == 0
    assert verify_offsets(lake_settings).differences == []
