"""Runs the relay: waits for its lock as a standby, then passes on the records of partners until it is told to stop."""

import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass

import structlog

from streams import names
from streams.errors import PartnerLeftOut, PartnersInvalid, TopicsUnfit
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
_AGAIN_SECONDS = 30.0
"""If a partner is left out, a new relay begins after this time, to see whether the cause has been removed."""


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
    goes on with the old one and reports the error. If the topic of a partner is missing or unfit, or nobody knows how
    far it was read, the run leaves out this partner, passes on what the others send, and reports the error.

    Args:
        until: called several times a second. When it returns true, the run ends.
        for_seconds: the run ends after this time.
        once: the run ends when everything that the inbound topics hold now has been passed on.

    Raises:
        BrokerUnavailable: the broker does not answer, or another process has begun to pass on records.
        LakeUnavailable: PostgreSQL, which holds the lock, does not answer.
        PartnerLeftOut: with `once`, the records of a partner were not passed on, but those of the others.
        PartnersInvalid: the table of partners cannot be read.
        TopicsUnfit: an input topic is missing, or has settings that would break a guarantee.
    """
    stops = stops_after(for_seconds, until)
    passed_on = PassedOn()
    with sign_of_life(settings, "intake") as sign:
        ensure_topics(settings, names.INPUT_TOPICS)
        refuse_differences(settings, names.INPUT_TOPICS)
        with closing(LockSession(settings, "intake", is_lease=True, alive=sign.is_turning)) as session:
            sign.stand_by()
            while not session.try_lock(LockKey.INTAKE):
                if stops():
                    return passed_on
                sign.stand_by()
                time.sleep(_PAUSE_SECONDS)
            while not stops():
                if _term(settings, passed_on, stops, sign, once=once):
                    break
    return passed_on


def _term(settings: Settings, passed_on: PassedOn, stops: Callable[[], bool], sign: Sign, *, once: bool) -> bool:
    """Pass on records until the table or the topics change. Return whether everything that is wanted has been done."""
    table = _Table(settings)
    sign.lead()
    with suppress(TopicsUnfit):  # a partner without a topic is left out
        ensure_topics(settings, [one.topic for one in table.lines])
    with closing(Relay(settings.acting_as("intake"), table.lines)) as relay:
        ends = relay.ends() if once else {}
        left_out, began = _error_of(relay), time.monotonic()
        try:
            while not stops():
                if once and relay.is_past(ends):
                    if left_out:
                        raise left_out
                    return True
                if not relay.turn() or table.has_changed():
                    return False
                if left_out and time.monotonic() - began > _AGAIN_SECONDS:
                    return False
                _report(sign, table.wrong or left_out)
                if not table.lines:
                    time.sleep(_PAUSE_SECONDS)
        finally:
            passed_on.records += relay.passed_on
            passed_on.refused += relay.refused
    return True


def _error_of(relay: Relay) -> PartnerLeftOut | None:
    if not relay.left_out:
        return None
    log.error("partners_left_out", topics=sorted(relay.left_out))
    return PartnerLeftOut("; ".join(relay.left_out.values()))


def _report(sign: Sign, trouble: Exception | None) -> None:
    if trouble:
        sign.trouble(trouble)
    else:
        sign.turn()


class _Table:
    """
    The table of partners.

    `lines` has the lines with which a term began. `wrong` is the error of a table that was changed and is not valid.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings, self.lines = settings, partners(settings)
        self.wrong: PartnersInvalid | None = None
        self._looked_at = time.monotonic()

    def has_changed(self) -> bool:
        """Look at the table once a second, and return whether it is valid and has other lines."""
        if time.monotonic() - self._looked_at <= _SECOND:
            return False
        self._looked_at = time.monotonic()
        try:
            self.wrong, found = None, partners(self._settings)
        except PartnersInvalid as error:
            self.wrong = error
            return False
        if found != self.lines:
            log.info("partners_changed")
        return found != self.lines
