"""Which records reach a real broker, and which records a file holds."""

import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from streams.cli.simulate import command
from streams.contracts import Accepted, Rejected, decode
from streams.errors import SettingInvalid
from streams.kafka.client import consumer, end_offsets
from streams.names import INPUT_TOPICS
from streams.simulate import Noise, World, backfill, live, replay_window, to_file

pytestmark = pytest.mark.usefixtures("fresh_topics")


def drained(settings) -> list:
    """Read every record on the input topics, and decode it."""
    client = consumer(settings, INPUT_TOPICS)
    left = sum(end_offsets(settings, INPUT_TOPICS).values())
    records = []
    while left > len(records):
        for batch in client.poll(timeout_ms=1_000).values():
            records += batch
    client.close()
    return [(record, decode(record)) for record in records]


def test_backfilled_world_is_on_the_broker_and_counted(settings, fortnight):
    produced = backfill(settings, fortnight)
    ends = end_offsets(settings, INPUT_TOPICS)

    assert produced.total == sum(1 for _ in fortnight.records())
    assert produced.counts == Counter({(tp.topic, tp.partition): end for tp, end in ends.items() if end})
    assert all(one.envelope.backfill for _, one in drained(settings) if isinstance(one, Accepted))


def test_unreadable_records_are_claimed_where_they_lie(settings):
    end = datetime(2026, 3, 16, tzinfo=UTC)
    world = World(4, ["E08000015"], end - timedelta(days=7), end, noise=Noise(malformed=0.01))
    produced = backfill(settings, world)
    rejected = {
        f"{record.topic}/{record.partition}/{record.offset}"
        for record, one in drained(settings)
        if isinstance(one, Rejected)
    }
    claims = [claim for claim in produced.claims if claim.rule == "unreadable_report"]

    assert {claim.entity_id for claim in claims} == rejected
    assert {claim.entity_id.startswith("caf.case-change") for claim in claims if claim.expected} == {False}


def test_live_run_acts_every_story_now(settings):
    end = datetime.now(UTC) - timedelta(hours=1)
    world = World(5, ["E08000015"], end - timedelta(days=7), end, stories=0, noise=Noise.silent())
    announced = []
    began = datetime.now(UTC)
    produced = live(settings, world, rate=40, seconds=8, new_cast=True, announce=announced.append)
    accepted = [one for _, one in drained(settings) if isinstance(one, Accepted)]
    fresh = [one for one in accepted if not one.envelope.backfill]
    on_time = [one for one in fresh if one.envelope.time >= began - timedelta(seconds=1)]

    assert produced.total == len(accepted) + 1
    assert [claim.story_id for claim in announced] == [claim.story_id for claim in produced.claims]
    assert {claim.rule for claim in produced.claims if claim.expected} >= {
        "adult_returns",
        "consent_not_recorded",
        "cumulative_concern",
        "front_door_breach",
        "rapid_escalation",
        "re_referral",
        "unreadable_report",
    }
    assert {claim.anchor_id for claim in produced.claims if claim.rule != "unreadable_report"} <= {
        one.envelope.id for one in fresh
    }
    # Only the referral that arrives a day late has a time before the run.
    assert len(fresh) - len(on_time) == 1


def test_two_live_runs_on_one_history_do_not_contradict_each_other(settings):
    """The second run sends the events under way again, byte for byte. All its other events have new ids."""
    end = datetime.now(UTC) - timedelta(hours=3)
    for _ in range(2):
        world = World(6, ["E08000015"], end - timedelta(days=7), end, stories=0, noise=Noise.silent())
        live(settings, world, rate=40, seconds=1.2, new_cast=True)
    said: dict[tuple, set] = {}
    for _, one in drained(settings):
        if isinstance(one, Accepted):
            said.setdefault((one.topic, *one.identity), set()).add(one.content_id)

    assert all(len(contents) == 1 for contents in said.values())


def test_replayed_window_is_not_marked_as_history(settings):
    start = datetime(2026, 3, 2, tzinfo=UTC)
    world = World(5, ["E08000015"], start, start + timedelta(days=2), stories=0, backfill=False)
    produced = replay_window(settings, world, speed_up=86_400)

    assert produced.total == sum(1 for _ in world.records())
    assert not any(one.envelope.backfill for _, one in drained(settings) if isinstance(one, Accepted))


def test_file_holds_every_record(fortnight, tmp_path):
    produced = to_file(tmp_path / "events.jsonl", fortnight)
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]

    assert produced.total == len(lines) == sum(1 for _ in fortnight.records())
    assert Counter(line["topic"] for line in lines) == Counter(
        {key[0]: count for key, count in produced.counts.items()}
    )


def test_command_writes_events_and_truth_without_a_broker(tmp_path):
    events, truth = tmp_path / "e.jsonl", tmp_path / "t.jsonl"
    arguments = ["--days", "7", "--to-file", str(events), "--truth", str(truth), "--json"]
    result = CliRunner().invoke(command, arguments)

    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)[0]
    assert figures["records"] == len(events.read_text().splitlines())
    assert figures["claims"] == len(truth.read_text().splitlines())


@pytest.mark.parametrize(
    "options", [["--speed-up", "10", "--live"], ["--speed-up", "0"], ["--no-history"], ["--to-file", "x", "--live"]]
)
def test_command_refuses_options_that_contradict(options):
    result = CliRunner().invoke(command, options)

    assert isinstance(result.exception, SettingInvalid)
