"""
A partner uses the same ids for several events. Every child must be in the marts.

The marts must be complete for any order of arrival, and also after a warm build.
"""

import msgspec
import pytest

from streams.contracts import Accepted
from streams.contracts.columns import events_table
from tests.marts.conftest import NOON

CHILDREN = "SELECT family_id, child_id, count(*) FROM marts.analytics.fct_referrals GROUP BY ALL ORDER BY ALL"
QUALITY = """
    SELECT measure, sum(records)::integer FROM marts.analytics.mart_data_quality
    WHERE measure IN ('events', 'duplicates', 'reused_id') GROUP BY ALL ORDER BY ALL
"""


@pytest.fixture
def numbered(warm, make):
    """
    Lands referrals that all have the same source and id, each for a family and one child. Some referrals are copies.
    """
    lake = warm.lake
    lake.empty()

    def land(*told: tuple[str, str]) -> None:
        events = [_as_1001(lake._accepted(_about(make, *one), partition=0)) for one in told]
        lake.land_table(events_table(events, NOON))

    return land


def _about(make, family: str, child: str):
    return msgspec.structs.replace(make.referral("1001", family), person_ids=[child])


def _as_1001(event: Accepted) -> Accepted:
    envelope = msgspec.structs.replace(event.envelope, id="1001", source="/partner/x")
    return msgspec.structs.replace(event, envelope=envelope)


def test_every_child_of_every_family_is_counted(warm, numbered):
    """
    Referrals of six families, and of two children of one family, have the same id and time.

    Copies count once, even if a copy arrives later.
    """
    told = [(f"F{number}", f"P{number}") for number in range(6)]
    numbered(*told, ("F0", "P-sister"), told[3])
    warm.builder.build()
    children = [(family, child, 1) for family, child in sorted([*told, ("F0", "P-sister")])]

    assert warm.lake.duckdb.execute(CHILDREN).fetchall() == children
    assert warm.lake.duckdb.execute(QUALITY).fetchall() == [("duplicates", 1), ("events", 8), ("reused_id", 7)]

    numbered(told[5], ("F6", "P6"), ("F1", "P-brother"), ("F0", "P-sister"))
    warm.builder.build()

    more = [*told, ("F0", "P-sister"), ("F6", "P6"), ("F1", "P-brother")]
    assert warm.lake.duckdb.execute(CHILDREN).fetchall() == [(*one, 1) for one in sorted(more)]
