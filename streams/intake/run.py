"""Runs the relay: waits for its lock as a standby, then passes on the records of partners until it is told to stop."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

import structlog

from streams.errors import PartnersInvalid
from streams.intake.relay import Relay
from streams.kafka.partners import partners
from streams.kafka.topics import ensure_topics, refuse_differences
from streams.lake.advisory import LockSession
from streams.lake.lock_keys import LockKey
from streams.lake.sign import Sign, sign_of_life
from streams.settings import Settings
from streams.times import stops_after

__all__ = ["PassedOn", "run"]

log = structlog.get_logger()

_PAUSE_SECONDS = 0.5
_SECOND = 1.0


@dataclass
class PassedOn:
    """How many records of partners one run has passed on, and how many of them it has refused."""

    records: int = 0
    refused: int = 0


def run(
    settings: Settings,
    *,
    until: Callable[[], bool] = lambda: False,
    for_seconds: float | None = None,
    once: bool = False,
) -> PassedOn:
    """
    Pass on the records of all partners in the table of partners. While another process does so, wait as a standby.

    If the table changes, the run goes on with the new table within a second. If the new table is not valid, the run
    goes on with the old one and reports the error.

    Args:
        until: called several times a second. When it returns true, the run ends.
        for_seconds: the run ends after this time.
        once: the run ends when everything that the inbound topics hold now has been passed on.

    Raises:
        BrokerUnavailable: the broker does not answer, or another process has begun to pass on records.
        LakeUnavailable: PostgreSQL, which holds the lock, does not answer.
        PartnersInvalid: the table of partners cannot be read.
        TopicsUnfit: a topic has settings that would break a guarantee.
    """
    stops = stops_after(for_seconds, until)
    passed_on = PassedOn()
    with sign_of_life(settings, "intake") as sign:
        ensure_topics(settings)
        refuse_differences(settings)
        with closing(LockSession(settings, "intake", is_lease=True)) as session:
            sign.stand_by()
            while not session.try_lock(LockKey.INTAKE):
                if stops():
                    return passed_on
                sign.stand_by()
                time.sleep(_PAUSE_SECONDS)
            while not stops():
                if _term(settings, passed_on, stops, sign, once=once):
                    break
                ensure_topics(settings)
    return passed_on


def _term(settings: Settings, passed_on: PassedOn, stops: Callable[[], bool], sign: Sign, *, once: bool) -> bool:
    """Pass on records until the table or the topics change. Return whether everything that is wanted has been done."""
    table = partners(settings)
    sign.lead()
    with closing(Relay(settings.acting_as("intake"), table)) as relay:
        ends = relay.ends() if once else {}
        looked_at, wrong = time.monotonic(), None
        try:
            while not stops():
                if once and relay.is_past(ends):
                    return True
                if not relay.turn():
                    return False
                if wrong is None:
                    sign.turn()
                else:
                    sign.trouble(wrong)
                if not table:
                    time.sleep(_PAUSE_SECONDS)
                if time.monotonic() - looked_at > _SECOND:
                    looked_at = time.monotonic()
                    try:
                        wrong = None
                        if partners(settings) != table:
                            log.info("partners_changed")
                            return False
                    except PartnersInvalid as error:
                        wrong = error
        finally:
            passed_on.records += relay.passed_on
            passed_on.refused += relay.refused
    return True
