"""
Stories that begin in the history and act during a live run, so that people who watch a demo see alerts being raised.

A live story writes its history, waits at `now = yield`, and then acts.
"""

from collections.abc import Callable, Generator
from datetime import datetime, timedelta

from streams.contracts.codesets import Consent, Decision, MarkerRole, ReferralSource, Severity
from streams.simulate.borough import Borough
from streams.simulate.facts import Fact
from streams.simulate.hours import is_working_time
from streams.simulate.planted.adults import marked_and_gone
from streams.simulate.planted.clocks import WORKING_HOURS_CLOCK
from streams.simulate.planted.script import Script, referral
from streams.simulate.truth import Claim

__all__ = ["DEADLINE_AFTER", "LIVE_STORIES", "Player", "cast"]

DEADLINE_AFTER = timedelta(seconds=25)
"""Time from the arrival of the late referral (`waits_at_the_front_door`) until its time limit passes."""

_SOON = timedelta(seconds=6)

Scene = Generator[None, datetime, None]


def marked_adult_joins(s: Script) -> Scene:
    """A marked adult who left long ago joins the household again."""
    adult = marked_and_gone(s)
    now = yield
    s.expect("adult_returns", s.join(now, adult.id))


def victim_joins(s: Script) -> Scene:
    """The adult who joins is marked as a victim, not as a source of risk."""
    adult = marked_and_gone(s, role=MarkerRole.VICTIM)
    now = yield
    s.deny("adult_returns", s.join(now, adult.id))


def level_jumps(s: Script) -> Scene:
    """The level goes from 1 to 3 at once."""
    s.level(s.ago(150), 1)
    now = yield
    s.expect("rapid_escalation", s.level(now, 3))


def level_rises(s: Script) -> Scene:
    """The level rises by only one, from 2 to 3."""
    s.level(s.ago(150), 2)
    now = yield
    s.deny("rapid_escalation", s.level(now, 3))


def third_concern(s: Script) -> Scene:
    """The school and the police each reported a concern in the last weeks. Now a third concern arrives."""
    s.contact(s.ago(45), ReferralSource.SCHOOL)
    s.contact(s.ago(20), ReferralSource.POLICE)
    now = yield
    s.expect("cumulative_concern", s.contact(now, ReferralSource.SCHOOL), clause="a")


def comes_again(s: Script) -> Scene:
    """A family referred some months ago is referred again."""
    s.refer(s.ago(90))
    now = yield
    s.expect("re_referral", s.refer(now, decided_after=_SOON))


def comes_again_on_the_same_incident(s: Script) -> Scene:
    """An incident was referred last week. Now a second report about it arrives."""
    incident = s.borough.ids.new("I")
    s.refer(s.ago(7), incident_id=incident)
    now = yield
    s.deny("re_referral", s.refer(now, ReferralSource.POLICE, incident_id=incident, decided_after=_SOON))


def waits_at_the_front_door(s: Script) -> Scene:
    """A referral arrives almost a day late. Some seconds later, the limit of 24 hours passes without a decision."""
    now = yield
    if s.borough.authority not in WORKING_HOURS_CLOCK:
        submitted = s.refer(now - timedelta(hours=24) + DEADLINE_AFTER, decision=None)
        warned_at = submitted.at + timedelta(hours=18)
        s.expect("front_door_breach", submitted, entity=referral(submitted), at=warned_at)


def arrives_without_consent(s: Script) -> Scene:
    """A referral arrives, and its consent question is not answered."""
    now = yield
    submitted = s.refer(now, consent=Consent.NOT_RECORDED, decided_after=_SOON)
    s.expect("consent_not_recorded", submitted, entity=referral(submitted))


def red_referral(s: Script) -> Scene:
    """A red referral arrives. Outside working hours it must go to the emergency duty team at once."""
    now = yield
    submitted = s.refer(now, severity=Severity.RED, decision=Decision.MASH, decided_after=_SOON)
    if is_working_time(now):
        s.deny("out_of_hours", submitted)
    else:
        s.expect("out_of_hours", submitted)


LIVE_STORIES: tuple[Callable[[Script], Scene], ...] = (
    waits_at_the_front_door,
    marked_adult_joins,
    level_jumps,
    third_concern,
    comes_again,
    arrives_without_consent,
    victim_joins,
    level_rises,
    comes_again_on_the_same_incident,
    red_referral,
)


class Player:
    """A live story that has written its history and waits to act."""

    def __init__(self, borough: Borough, story: Callable[[Script], Scene]) -> None:
        self._script = Script(borough, story, is_live=True)
        self._scene = story(self._script)
        next(self._scene)

    def act(self, now: datetime) -> tuple[list[Fact], list[Claim]]:
        """Let the story act, and return its facts and claims. Each fact happens now or some seconds later."""
        facts = self._script.borough.facts
        written = len(facts)
        try:
            self._scene.send(now)
        except StopIteration:
            return facts[written:], self._script.claims
        raise AssertionError("a live story has one act")


def cast(borough: Borough) -> list[Player]:
    """Write the history of every live story of a borough, and return a player for each story."""
    return [Player(borough, story) for story in LIVE_STORIES]
