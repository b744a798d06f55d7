"""Compare the truth file with the oracle: each claim of a story must follow from the rules."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from streams.contracts import Accepted, decode
from streams.simulate.borough import Borough
from streams.simulate.facts import Ids, encode
from streams.simulate.planted import STORIES, plant
from streams.simulate.planted.live import LIVE_STORIES, cast
from streams.simulate.truth import Claim, write_truth
from tests.oracle.oracle import RULES, expected
from tests.oracle.records import Record

END = datetime(2026, 4, 1, tzinfo=UTC)


def empty_borough(end: datetime, seed: str = "1") -> Borough:
    """Make a borough without ordinary events."""
    return Borough("E08000015", Ids("test"), seed, end - timedelta(days=365), end)


def raised(borough: Borough, as_of: datetime) -> list:
    """Return the alerts that the oracle expects from all facts."""
    arrived = round((as_of - timedelta(seconds=1)).timestamp() * 1000)
    accepted = []
    for offset, fact in enumerate(sorted(borough.facts, key=lambda fact: fact.at)):
        record = encode(fact, backfill=True)
        one = decode(Record(record.topic, 0, offset, arrived, record.key, record.value))
        assert isinstance(one, Accepted), one
        accepted.append(one)
    return expected(accepted, [], as_of, rules=RULES)


def found(claim: Claim, alerts: list) -> list:
    """Find the alerts with the claim's rule, entity and, if given, clause."""
    return [
        alert
        for alert in alerts
        if (alert.rule, alert.entity_id) == (claim.rule, claim.entity_id) and claim.clause in (None, alert.clause)
    ]


def assert_true(claims: list[Claim], alerts: list) -> None:
    for claim in claims:
        if claim.rule not in RULES:
            continue
        hits = found(claim, alerts)
        assert [hit.alert_id for hit in hits] == ([claim.alert_id] if claim.expected else []), claim
        if claim.expected:
            assert hits[0].anchored_at == claim.anchored_at, claim
            assert claim.status in (None, hits[0].status), claim


@pytest.mark.parametrize("seed", range(6))
def test_planted_stories_raise_what_they_claim(seed):
    """
    The test uses several seeds. The day of a story decides whether a month's end, a clock change or a holiday falls
    into it.
    """
    borough = empty_borough(END + timedelta(days=31 * seed), str(seed))
    claims = plant(borough, copies=1)

    assert_true(claims, raised(borough, borough.end + timedelta(days=1)))


def test_every_story_makes_a_claim_and_every_rule_has_both_kinds():
    claims = plant(empty_borough(END), copies=1)
    kinds = {(claim.rule, claim.expected) for claim in claims}

    assert len({claim.story_id for claim in claims}) == len(STORIES)
    assert all((rule, expected) in kinds for rule in RULES for expected in (True, False))
    assert all(claim.why for claim in claims)


def test_live_stories_raise_what_they_claim_only_once_they_have_acted():
    borough = empty_borough(END)
    players = cast(borough)
    before = raised(borough, END)
    now = END + timedelta(hours=10)
    claims = [claim for player in players for claim in player.act(now)[1]]

    assert len(players) == len(LIVE_STORIES)
    assert not any(found(claim, before) for claim in claims if claim.expected)
    assert_true(claims, raised(borough, now + timedelta(minutes=2)))


def test_live_referral_is_late_by_less_than_its_limit():
    """The referral's deadline must pass within a minute, while people watch the demo."""
    borough = empty_borough(END)
    player = cast(borough)[0]
    facts, claims = player.act(END)
    deadline = facts[-1].at + timedelta(hours=24)

    assert claims[0].rule == "front_door_breach"
    assert END < deadline < END + timedelta(minutes=1)


def test_truth_file_is_json_lines_of_claims(tmp_path):
    claims = plant(empty_borough(END), copies=1)
    write_truth(tmp_path / "truth.jsonl", claims[:2])
    write_truth(tmp_path / "truth.jsonl", claims[2:], append=True)

    lines = (tmp_path / "truth.jsonl").read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=Claim) for line in lines] == claims
