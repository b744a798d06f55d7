"""
No rule reads characteristics that the law protects.

Tests change copies of the rules to read such characteristics in many ways, and the check must find each way.
"""

from dataclasses import replace

import pytest

from streams.errors import LineageUnknown
from streams.rules.compiled import CompiledRules, compiled_rules
from streams.rules.lineage import EVENTS, PROFILES, Lineage
from streams.rules.protected import forbidden_reads

RULE, CONCERNS = "alert_two_agencies_one_week", "int_concerns"
STAGED, FROM_STAGED = '"marts"."staging"."stg_events"', 'from "marts"."staging"."stg_events"'
OF_CONCERNS = 'from "marts"."intermediate"."int_concerns" as concerns'
PEOPLE = f"{STAGED} as people on people.ethnicity = concerns.agency_key"
FILTER = "where judged.counted >="


@pytest.fixture(scope="module")
def compiled(settings) -> CompiledRules:
    return compiled_rules(settings, with_build_rules=True)


def changed(compiled: CompiledRules, **changes: tuple[str, str]) -> CompiledRules:
    """A copy of the rules in which a text in the SQL of the given models is replaced by another text."""
    models = dict(compiled.models)
    for name, (old, new) in changes.items():
        assert old in models[name].sql, (name, old)
        models[name] = replace(models[name], sql=models[name].sql.replace(old, new, 1))
    return replace(compiled, models=models)


def test_no_rule_reads_what_is_protected(compiled):
    assert forbidden_reads(compiled) == []


READING = {
    "a condition of a model above it": {CONCERNS: ("where fact in", "where ethnicity is null and fact in")},
    "a key that a model above it makes": {CONCERNS: ("|| event_order\n", "|| event_order || ethnicity\n")},
    "another name, through two models": {
        CONCERNS: ("    agency_key,", "    ethnicity as kind, agency_key,"),
        RULE: ("concerns.evidence,", "concerns.evidence || concerns.kind as evidence,"),
    },
    "a star": {
        CONCERNS: (
            f"{FROM_STAGED}\n    where fact in",
            f"from (select * exclude (sex) {FROM_STAGED}) as everybody\n    where ethnicity is null and fact in",
        )
    },
    "the condition of a join": {RULE: (OF_CONCERNS, f"{OF_CONCERNS} inner join {PEOPLE}")},
    "a semi join": {RULE: (OF_CONCERNS, f"{OF_CONCERNS} semi join {PEOPLE}")},
    "a left join of which nothing is used": {RULE: (OF_CONCERNS, f"{OF_CONCERNS} left join {PEOPLE}")},
    "a join of what has the same name": {
        CONCERNS: (
            f"{FROM_STAGED}\n    where fact in",
            f"{FROM_STAGED} natural join (select ethnicity {FROM_STAGED}) as people\n    where fact in",
        )
    },
    "a subquery": {
        RULE: (FILTER, f"where exists (select 1 {FROM_STAGED} where ethnicity is null) and judged.counted >=")
    },
    "a subquery that asks for the row outside": {
        CONCERNS: (
            "where fact in",
            "where (select count(*) from marts.reference.gateways where area_code = ethnicity) > 0 and fact in",
        )
    },
    "the order of a window": {
        CONCERNS: (
            "    referral_id,\n        event_order,\n        occurred_at,",
            "    referral_id, row_number() over (order by ethnicity) as event_order, occurred_at,",
        )
    },
    "all columns of a union": {
        CONCERNS: (
            f"{FROM_STAGED}\n    where fact in",
            f"from (select * {FROM_STAGED} union select * {FROM_STAGED}) as both_times\n    where fact in",
        )
    },
}


@pytest.mark.parametrize("changes", READING.values(), ids=READING)
def test_every_way_of_reading_is_found(compiled, changes):
    assert f"{RULE} reads ethnicity of {EVENTS}" in forbidden_reads(changed(compiled, **changes))


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("payload", f"payload of {EVENTS}"),
        ("lsoa_code", f"lsoa_code of {EVENTS}"),
        ("date_of_birth", f"date_of_birth of {EVENTS}"),
        (
            "(select imd_decile from marts.reference.geography where lsoa_code = landed.lsoa_code)",
            "imd_decile of marts.reference.geography",
        ),
    ],
)
def test_content_places_dates_of_birth_and_deprivation_are_found(compiled, expression, says):
    reading = f"where exists (select 1 from {EVENTS} as landed where {expression} is null) and judged.counted >="

    assert f"{RULE} reads {says}" in forbidden_reads(changed(compiled, **{RULE: (FILTER, reading)}))


def test_a_date_of_birth_goes_no_further_than_the_question_whether_somebody_is_a_child(compiled):
    """A model that uses a date of birth to find out whether a person is a child may not pass the date on."""
    handing_on = ("end as cleared_at", "end as cleared_at, any_value(turning.date_of_birth) as born_on")
    using = ("        *,\n", "        * replace (evidence || born_on as evidence),\n")
    found = forbidden_reads(changed(compiled, int_custody_releases=handing_on, alert_custody_release_due=using))

    assert f"alert_custody_release_due reads date_of_birth of {EVENTS}" in found


def test_a_star_whose_protected_columns_are_not_used_is_allowed(compiled):
    star = ("with told as (", f"with everybody as (select * {FROM_STAGED}), told as (")

    assert forbidden_reads(changed(compiled, **{CONCERNS: star})) == []


@pytest.mark.parametrize(
    "source",
    [
        "read_parquet('elsewhere.parquet') as concerns",
        "query('select * from marts.staging.stg_events') as concerns",
        "marts.staging.not_a_model as concerns",
        "marts.intermediate.int_concerns as concerns, unnest(concerns.evidence)",
    ],
)
def test_source_with_unknown_lineage_is_refused(compiled, source):
    with pytest.raises(LineageUnknown, match=RULE):
        forbidden_reads(changed(compiled, **{RULE: (OF_CONCERNS, f"from {source}")}))


def test_a_row_taken_as_a_value_is_refused(compiled):
    row = (f"{FROM_STAGED}\n    where fact in", f"{FROM_STAGED} as events where events is null and fact in")

    with pytest.raises(LineageUnknown, match=CONCERNS):
        forbidden_reads(changed(compiled, **{CONCERNS: row}))


def test_the_thresholds_that_a_rule_reads_are_its_own(compiled):
    """A model that a rule reads may look up further thresholds for other rules."""
    lineage = Lineage(compiled, counts_optional=False)
    keys = {"authority_code", "profile_version", "effective_from"}

    def thresholds(rule: str) -> set[str]:
        return {read.column for read in lineage[f"alert_{rule}"].all if read.relation == PROFILES} - keys

    assert thresholds("re_referral") == {"re_referral_months"}
    assert thresholds("two_agencies_one_week") == {"two_agencies_hours", "two_agencies_count"}
    assert thresholds("adult_returns") == {"most_families_of_person", "most_families_at_address"}
