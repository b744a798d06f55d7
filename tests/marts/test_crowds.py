"""Three thousand families share one person and one address in a real lake. dbt and a warm builder build the marts."""

from streams.contracts import AddressChanged, HouseholdJoined, RiskMarkerSet

FAMILIES = 3_000
SHARED = """
    SELECT anchor_source, entity_id, severity, status, family_id, reason
    FROM marts.alerts.alert_shared_by_too_many ORDER BY ALL
"""
QUALITY = """
    SELECT detail, sum(records)::INTEGER FROM marts.analytics.mart_data_quality
    WHERE measure = 'shared_by_too_many' GROUP BY ALL ORDER BY ALL
"""
ALERTED = "SELECT family_id, status FROM marts.analytics.fct_alerts WHERE family_id IS NOT NULL"


def test_strangers_who_share_an_id_have_no_alert_and_the_data_owner_has_one(warm):
    lake = warm.lake
    lake.empty()
    facts = []
    for number in range(FAMILIES):
        family = f"F-{number}"
        facts += [
            HouseholdJoined(family_id=family, person_id=f"child-{number}", household_role="child"),
            HouseholdJoined(family_id=family, person_id="worker-1", household_role="other_adult"),
            AddressChanged(family_id=family, address_id="surgery"),
        ]
    marker = {"marker_kind": "domestic_abuse", "marker_role": "source_of_risk", "marker_basis": "alleged"}
    facts += [
        RiskMarkerSet(marker_id="M-1", person_id="worker-1", marker_families=["F-7"], **marker),
        RiskMarkerSet(marker_id="M-2", person_id="worker-1", **marker),
        RiskMarkerSet(marker_id="M-3", person_id="P-alone", **marker),
        AddressChanged(person_id="P-alone", address_id="surgery"),
    ]
    lake.land(*facts)
    warm.builder.build()

    reasons = {
        "surgery": "Address surgery is named with 3000 families, which is more than 100",
        "worker-1": "Person worker-1 is named in 3000 families, which is more than 50",
    }
    told = [
        ("address", "surgery", "amber", "open", None, reasons["surgery"]),
        ("person", "worker-1", "amber", "open", None, reasons["worker-1"]),
    ]
    assert [(*row[:-1], row[-1].partition(", so")[0]) for row in lake.duckdb.execute(SHARED).fetchall()] == told
    assert lake.duckdb.execute(QUALITY).fetchall() == [("address", FAMILIES + 1), ("person", FAMILIES + 2)]
    assert lake.duckdb.execute(ALERTED).fetchall() == [("F-7", "open")]

    lake.land(HouseholdJoined(family_id="F-8", person_id="worker-1", household_role="other_adult"))
    warm.builder.build()

    assert lake.duckdb.execute(QUALITY).fetchall() == [("address", FAMILIES + 1), ("person", FAMILIES + 3)]
    assert lake.duckdb.execute(ALERTED).fetchall() == [("F-7", "open")]
