"""The compiled rules on the simulator's planted stories: each raises what its truth claims."""

from datetime import UTC, datetime, timedelta

import pytest

from streams.contracts import decode
from streams.contracts.columns import events_table
from streams.rules.engine import Engine
from streams.simulate.borough import Borough
from streams.simulate.facts import Ids, encode
from streams.simulate.planted import plant
from tests.oracle.records import Record

END = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.mark.parametrize("seed", range(2))
def test_planted_stories_raise_what_they_claim(engine: Engine, seed: int) -> None:
    """A true case by the id of its alert, a near miss by having none of its rule (clauses have ids of their own)."""
    borough = Borough("E08000015", Ids("test"), str(seed), END - timedelta(days=365), END)
    claims = plant(borough, copies=1)
    arrived = round(END.timestamp() * 1000)
    facts = sorted(borough.facts, key=lambda fact: fact.at)
    records = [encode(fact, backfill=True) for fact in facts]
    events = [
        decode(Record(record.topic, 0, offset, arrived, record.key, record.value))
        for offset, record in enumerate(records)
    ]
    alerts = engine.evaluate(events_table(events, END), None, engine.compiled.rules, END + timedelta(days=1)).alerts

    claims = [claim for claim in claims if claim.rule in engine.compiled.rules]
    status = {alert.alert_id: alert.status for alert in alerts}
    raised = {(alert.rule, alert.entity_id) for alert in alerts}
    assert {claim.rule for claim in claims} == engine.compiled.rules.keys() - {"unreadable_report"}
    for claim in claims:
        if claim.expected:
            assert claim.alert_id in status, claim
            assert claim.status in (None, status[claim.alert_id]), claim
        elif not claim.clause:
            assert (claim.rule, claim.entity_id) not in raised, claim
