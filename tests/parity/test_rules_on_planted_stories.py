"""
The compiled rules are evaluated on the simulator's planted stories. Each story must raise the alerts that it claims.
"""

from datetime import UTC, datetime, timedelta

import pytest

from streams.contracts import decode
from streams.contracts.columns import events_table
from streams.rules.engine import Engine
from streams.rules.postgres.engine import PostgresEngine
from streams.simulate.borough import Borough
from streams.simulate.facts import Ids, encode
from streams.simulate.planted import plant
from tests.oracle.records import Record
from tests.parity.engines import difference_of_engines

END = datetime(2026, 4, 1, tzinfo=UTC)


@pytest.mark.parametrize("seed", range(2))
def test_planted_stories_raise_what_they_claim(engine: Engine, on_postgres: PostgresEngine, seed: int) -> None:
    """
    A story that is a true case raises the alert with the claimed id. A near miss raises no alert of its rule.

    Each clause of a rule has separate ids. Together, the stories are a large set of events for PostgreSQL, which must
    give the same result in every column.
    """
    borough = Borough("E08000015", Ids("test"), str(seed), END - timedelta(days=365), END)
    claims = plant(borough, copies=1)
    arrived = round(END.timestamp() * 1000)
    facts = sorted(borough.facts, key=lambda fact: fact.at)
    records = [encode(fact, backfill=True) for fact in facts]
    events = [
        decode(Record(record.topic, 0, offset, arrived, record.key, record.value))
        for offset, record in enumerate(records)
    ]
    rows, as_of = events_table(events, END), END + timedelta(days=1)
    found = engine.evaluate(rows, None, engine.compiled.rules, as_of)
    assert difference_of_engines(found, on_postgres.evaluate(rows, None, engine.compiled.rules, as_of)) == []
    alerts = found.alerts

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
