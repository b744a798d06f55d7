"""The faults of real streams (repeats, wrong order, lateness, corrections, withdrawals), and how often they occur."""

from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

import msgspec

from streams.contracts.case_work import FamilySeen, LevelChanged, OutcomeRecorded
from streams.contracts.codesets import ConcernKind, Severity, WithdrawalReason
from streams.contracts.escalation import EscalationReported
from streams.contracts.event import Event
from streams.contracts.referral import ContactRecorded, FeedbackSent, ReferralSubmitted
from streams.errors import SettingInvalid
from streams.simulate.borough import Borough
from streams.simulate.facts import Fact

__all__ = ["Noise", "Sending", "amend", "amend_one", "schedule"]

_WITHDRAWABLE = (ContactRecorded, FamilySeen, EscalationReported, FeedbackSent, OutcomeRecorded)
_CORRECTABLE = (ContactRecorded, ReferralSubmitted, FamilySeen, OutcomeRecorded, LevelChanged)

_AMENDABLE_SHARE = 3
"""
Only about one event in three has a type that can be corrected or withdrawn. The rates of corrections and withdrawals
are therefore multiplied by 3.
"""


@dataclass(frozen=True, kw_only=True)
class Noise:
    """
    How often each fault occurs, as a share of all events. The defaults are invented.

    `malformed` is the share of events that get a malformed copy. Each reason for rejection is used in turn. Corrections
    and withdrawals never change planted stories or calibrated figures.
    """

    duplicates: float = 0.005
    out_of_order: float = 0.01
    late: float = 0.01
    corrected: float = 0.003
    withdrawn: float = 0.002
    malformed: float = 0.0002

    def __post_init__(self) -> None:
        for rate in fields(self):
            if not 0 <= (value := getattr(self, rate.name)) <= 1:
                raise SettingInvalid(f"the rate of {rate.name} is {value}; allowed: 0 to 1")

    @classmethod
    def silent(cls) -> "Noise":
        """Return a `Noise` whose rates are all 0."""
        return cls(**{rate.name: 0.0 for rate in fields(cls)})


class Sending(NamedTuple):
    """A fact, and the time at which the simulated world sends it. If a fact is sent twice, there are two sendings."""

    at: datetime
    fact: Fact


def amend(borough: Borough, noise: Noise, rng: Random) -> None:
    """Correct some of the borough's events and withdraw others, 1 to 300 hours after they were recorded."""
    for fact in list(borough.facts):
        if rng.random() < (noise.corrected + noise.withdrawn) * _AMENDABLE_SHARE:
            amend_one(borough, fact, fact.at + timedelta(hours=rng.uniform(1, 300)), noise, rng)


def amend_one(borough: Borough, fact: Fact, at: datetime, noise: Noise, rng: Random) -> list[Fact]:
    """
    Correct or withdraw one event. Return the facts that this adds. If the event is planted, or its type does not allow
    the change, change nothing and return no facts.

    The rates of corrections and withdrawals in `noise` decide which of the two is tried.
    """
    written = len(borough.facts)
    if fact.is_planted:
        return []
    if rng.random() * (noise.corrected + noise.withdrawn) < noise.corrected:
        if isinstance(fact.data, _CORRECTABLE):
            replacement, replaced_at = _replacement(fact, rng)
            borough.correct(at, fact, replacement, replaced_at)
    elif isinstance(fact.data, _WITHDRAWABLE):
        _withdraw(borough, fact, at, rng)
    return borough.facts[written:]


def schedule(facts: list[Fact], end: datetime, noise: Noise, rng: Random) -> list[Sending]:
    """Plan when each fact is sent. Some facts are sent late, out of order, or twice. No fact is sent after `end`."""
    sendings = []
    for fact in facts:
        at = fact.at
        if rng.random() < noise.late:
            at += timedelta(hours=rng.uniform(1, 240))
        elif rng.random() < noise.out_of_order:
            at += timedelta(minutes=rng.uniform(0.5, 30))
        sendings.append(Sending(min(at, end), fact))
        if rng.random() < noise.duplicates:
            again = at + timedelta(minutes=rng.expovariate(1 / 90))
            sendings.append(Sending(min(again, end), fact))
    sendings.sort(key=lambda sending: sending.at)
    return sendings


def _replacement(fact: Fact, rng: Random) -> tuple[Event, datetime]:
    """Return the content and time that replace those of a fact. The corrected fact is about the same children."""
    data = fact.data
    assert isinstance(data, _CORRECTABLE)
    match data:
        case ContactRecorded():
            return msgspec.structs.replace(data, concern_kind=rng.choice(tuple(ConcernKind))), fact.at
        case ReferralSubmitted():
            return msgspec.structs.replace(data, severity=rng.choice(tuple(Severity))), fact.at
        case _:
            return data, fact.at - timedelta(minutes=rng.randint(5, 600))


def _withdraw(borough: Borough, fact: Fact, at: datetime, rng: Random) -> None:
    """
    Withdraw an event. Half of the withdrawn contacts were recorded on the wrong family, and are recorded again on
    another family.
    """
    misplaced = fact.data if isinstance(fact.data, ContactRecorded) and rng.random() < 0.5 else None
    reason = WithdrawalReason.WRONG_FAMILY if misplaced else WithdrawalReason.RECORDED_IN_ERROR
    borough.withdraw(at, fact, reason)
    if misplaced:
        family = rng.choice(borough.families)
        borough.record(fact.at, msgspec.structs.replace(misplaced, family_id=family.id))
