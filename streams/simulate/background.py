"""
Write a borough's ordinary events: referrals fitted to the published figures, and other events.

No figures are published for the other events, so their numbers are invented. For each child referred to social care,
there are 2 contacts (a fifth of them about new families), 0.36 referrals for early help, 0.25 incidents reported as
urgent, and 0.7 other events in known families.
"""

from datetime import datetime, timedelta
from random import Random

from streams.contracts.codesets import Decision, ReferralSource, ServiceKind
from streams.simulate.agencies import source_in
from streams.simulate.borough import Borough
from streams.simulate.demand import Demand, demand
from streams.simulate.hours import moment
from streams.simulate.population import Family, Person
from streams.simulate.stories.casework import social_care
from streams.simulate.stories.contacts import contact, escalate
from streams.simulate.stories.early_help import early_help
from streams.simulate.stories.front_door import refer
from streams.simulate.stories.households import HAPPENINGS

__all__ = ["any_family", "early_help_referral", "live_through", "social_care_referral"]

_CONTACTS = 2.0
_EARLY_HELP = 0.36
_ESCALATIONS = 0.25
_HAPPENED = 0.7

_LOOK_BACK = timedelta(days=364)
_SETTLED = timedelta(days=21)


def live_through(borough: Borough) -> None:
    """Write all ordinary events of the borough from its start to its end."""
    coming = demand(borough.calibration, borough.start, borough.end, borough.rng)
    rows = sum(one.children for one in coming)
    _refer_all(borough, coming)
    for _ in range(round(rows * _EARLY_HELP)):
        early_help_referral(borough, _any_moment(borough))
    known = [family for family in borough.families if family.known_from]
    for _ in range(round(rows * _CONTACTS)):
        at = _any_moment(borough)
        contact(borough, any_family(borough, known, at, new_share=0.2), at)
    for _ in range(round(rows * _ESCALATIONS)):
        at = _any_moment(borough, ReferralSource.POLICE)
        escalate(borough, any_family(borough, known, at, new_share=0.1), at)
    _happen(borough, known, round(rows * _HAPPENED))


def early_help_referral(borough: Borough, at: datetime) -> None:
    """Write a referral that asks for early help for a new family, and the events that follow from the referral."""
    rng = borough.rng
    family = borough.new_family(at)
    sources = (ReferralSource.SCHOOL, ReferralSource.HEALTH_VISITOR, ReferralSource.SELF, ReferralSource.OTHER)
    decision = rng.choices((Decision.EARLY_HELP, Decision.SIGNPOSTED, Decision.NO_FURTHER_ACTION), (70, 22, 8))[0]
    referral = refer(
        borough,
        family,
        at,
        source=rng.choices(sources, (50, 20, 15, 15))[0],
        children=family.children,
        service_kind=ServiceKind.EARLY_HELP,
        decision=decision,
    )
    if decision is Decision.EARLY_HELP:
        early_help(borough, family, referral.allocated_at, referral.id)


def social_care_referral(borough: Borough, at: datetime) -> None:
    """
    Write a referral of a new family to social care. Draw its source and whether it ends as NFA, both in the published
    proportions.
    """
    rng, calibration = borough.rng, borough.calibration
    group = rng.choices(tuple(calibration.by_source), tuple(calibration.by_source.values()))[0]
    children = rng.choices((1, 2, 3), (56, 29, 15))[0]
    one = Demand(at, source_in(group, rng), children, is_nfa=rng.random() < calibration.nfa_share)
    family = borough.new_family(at, children)
    _refer(borough, family, family.children[:children], one)


def any_family(borough: Borough, known: list[Family], at: datetime, *, new_share: float = 0.2) -> Family:
    """Draw a family that was recorded before `at`, or make a new family."""
    rng = borough.rng
    if known and rng.random() >= new_share:
        for _ in range(20):
            family = rng.choice(known)
            assert family.known_from is not None
            if family.known_from < at:
                return family
    return borough.new_family(at)


def _refer_all(borough: Borough, coming: list[Demand]) -> None:
    """
    Write the planned referrals in time order, so that a re-referral can be about children who were referred
    earlier.
    """
    earlier: list[tuple[datetime, Family, list[Person]]] = []
    for one in coming:
        again = _referred_before(earlier, one, borough.rng) if one.is_re_referral else None
        if again:
            family, children = again
        else:
            family = borough.new_family(one.at, one.children)
            children = family.children[: one.children]
        _refer(borough, family, children, one)
        earlier.append((one.at, family, children))


def _refer(borough: Borough, family: Family, children: list[Person], one: Demand) -> None:
    decision = _decision(family, one, borough.rng)
    referral = refer(
        borough,
        family,
        one.at,
        source=one.source,
        children=children,
        service_kind=ServiceKind.SOCIAL_CARE,
        decision=decision,
    )
    if decision is Decision.MASH:
        social_care(borough, family, referral.allocated_at, referral.id, children)
    elif decision is Decision.EARLY_HELP:
        early_help(borough, family, referral.allocated_at, referral.id)


def _referred_before(
    earlier: list[tuple[datetime, Family, list[Person]]], one: Demand, rng: Random
) -> tuple[Family, list[Person]] | None:
    """
    Find an earlier referral whose children can be referred again; return its family and these children.

    The earlier referral came 21 to 364 days before the planned one (`one`), and was about at least as many children.
    """
    for _ in range(400):
        at, family, children = rng.choice(earlier)
        if len(children) >= one.children and one.at - _LOOK_BACK <= at <= one.at - _SETTLED:
            return family, children[: one.children]
    return None


def _decision(family: Family, one: Demand, rng: Random) -> Decision:
    if one.is_nfa:
        return Decision.NO_FURTHER_ACTION
    if family.is_open(one.at):
        return Decision.ROUTED_TO_OPEN_SERVICE
    return rng.choices((Decision.MASH, Decision.EARLY_HELP, Decision.SIGNPOSTED), (82, 12, 6))[0]


def _happen(borough: Borough, known: list[Family], count: int) -> None:
    rng = borough.rng
    what, weights = tuple(HAPPENINGS), tuple(HAPPENINGS.values())
    for happening in rng.choices(what, weights, k=count):
        family = rng.choice(known)
        known_from = family.known_from
        assert known_from is not None
        latest = borough.end - known_from
        if latest > timedelta(days=2):
            happening(borough, family, known_from + timedelta(days=1) + (latest - timedelta(days=1)) * rng.random())


def _any_moment(borough: Borough, source: ReferralSource = ReferralSource.SCHOOL) -> datetime:
    """Draw a time in the window. Four in five times are in the source's usual hours, and one in five is at any hour."""
    at_any_hour = ReferralSource.POLICE if borough.rng.random() < 0.2 else source
    return moment(borough.rng, borough.start, borough.end, at_any_hour)
