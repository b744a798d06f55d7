"""The lake of a council, filled event by event, and a warm builder on the lake."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest

from streams.contracts import Accepted, decode
from streams.contracts.columns import events_table
from streams.contracts.event import event_types, fact_name
from streams.lake.connect import connect
from streams.lake.postgres import Postgres
from streams.marts.builder import Builder
from streams.settings import Settings

AUTHORITY = "E08000015"


class Council:
    """A council. Tests land its events, build its marts, and read its figures."""

    def __init__(self, settings: Settings, builder: Builder) -> None:
        self.settings = settings
        self.lake = connect(settings, landing="read_write")
        self._builder = builder
        self._offsets: Counter[str] = Counter()
        self._arrived: list[Accepted] = []

    def land(
        self,
        fact: str,
        at: datetime,
        *,
        source: str = "/wirral/front-door",
        authority: str = AUTHORITY,
        backfill: bool = False,
        arrived: datetime | None = None,
        **data: object,
    ) -> None:
        """
        Let the next build have an event that happened `at` a time.

        The event arrived at the same time unless `arrived` is given.
        """
        type_ = next(type_ for type_ in event_types() if fact_name(type_) == fact)
        topic = f"caf.{type_.split('.')[2]}.v1"
        envelope = {
            "specversion": "1.0",
            "id": uuid4().hex,
            "source": source,
            "type": type_,
            "authority": authority,
            "time": at.isoformat(),
            "backfill": backfill,
            "data": data,
        }
        record = SimpleNamespace(
            topic=topic,
            partition=0,
            offset=self._offsets[topic],
            timestamp=int((arrived or at).timestamp() * 1000),
            key=str(data["family_id"]).encode(),
            value=json.dumps(envelope).encode(),
            headers=[],
        )
        self._offsets[topic] += 1
        found = decode(record)
        assert isinstance(found, Accepted), found
        self._arrived.append(found)

    def referral(self, name: str, at: datetime, *, decided: datetime | None = None, **envelope: object) -> None:
        """Refer a child to social care and, if `decided` is given, record the front door's decision."""
        asked = {"source_code": "6", "severity": "amber", "service_kind": "social_care", "person_ids": [f"P-{name}"]}
        self.land("referral-submitted", at, family_id=f"F-{name}", referral_id=f"R-{name}", **asked, **envelope)
        if decided:
            decision = {"decision": "no_further_action"}
            self.land(
                "referral-decided", decided, family_id=f"F-{name}", referral_id=f"R-{name}", **decision, **envelope
            )

    def build(self, *, tests: bool = False) -> None:
        self.lake.register("batch", events_table(self._arrived, datetime.now(UTC)))
        self.lake.execute("INSERT INTO landing.main.events BY NAME SELECT * FROM batch")
        self.lake.unregister("batch")
        self._arrived.clear()
        self._builder.build(tests=tests)

    def rows(self, query: str) -> list[tuple]:
        return self.lake.execute(query).fetchall()

    def months(self, measure: str, authority: str = AUTHORITY) -> dict[str, object]:
        """
        Return a measure of the authority by month. Each month has a value, or the reason why the value is
        missing.
        """
        return dict(
            self.rows(
                "SELECT strftime(period_start, '%Y-%m'), coalesce(value::VARCHAR, absent_because) "
                "FROM marts.analytics.mart_locality_need WHERE area_level = 'authority' AND period_kind = 'month' "
                f"AND measure = '{measure}' AND authority_code = '{authority}' ORDER BY ALL"
            )
        )


@pytest.fixture(scope="module")
def council(settings: Settings, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Council]:
    """A council that all tests of a module use, one after another in the order of the file."""
    folder: Path = tmp_path_factory.mktemp("lake")
    own = replace(settings, database=f"t_{uuid4().hex[:12]}", lake_data=str(folder))
    connect(own).close()
    with Builder(own) as builder:
        made = Council(own, builder)
        yield made
        made.lake.close()
    postgres.drop(own.database)
