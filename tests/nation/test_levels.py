"""
The plan derives on which level each model is made. If the plan cannot derive a model's level, it refuses the model by
name.
"""

import copy

import pytest

from streams.contracts.subjects import subjects
from streams.errors import BuildFailed, RulesInvalid
from streams.marts.statements import Statement
from streams.nation.build import rule_scopes
from streams.nation.levels import Level, levels
from streams.nation.plan import split
from streams.rules.compiled import project_manifest


@pytest.fixture(scope="module")
def manifest(settings):
    return project_manifest(settings)


@pytest.fixture
def changed(manifest):
    """A copy of the manifest that a test may change."""
    return copy.deepcopy(manifest)


def named(found: dict[str, Level], level: Level) -> set[str]:
    return {key.split(".")[-1] for key, at in found.items() if at == level}


def add(manifest: dict, name: str, parents: list[str], columns: list[str], **meta: str) -> None:
    node = {
        "name": name,
        "resource_type": "model",
        "columns": {column: {} for column in columns},
        "config": {"meta": meta},
        "depends_on": {"nodes": parents},
    }
    manifest["nodes"][f"model.caf.{name}"] = node


def test_rules_of_families_are_made_in_the_shard_and_all_others_for_the_nation(manifest):
    found = levels(manifest, rule_scopes())

    for rule, scope in rule_scopes().items():
        assert found[f"model.caf.alert_{rule}"] == (Level.SHARD if scope == "family" else Level.NATION), rule


def test_seeds_and_the_cut_alone_are_made_once_and_figures_for_the_nation(manifest):
    found = levels(manifest, rule_scopes())

    assert {"int_working_days", "stg_practice_profiles", "dim_date"} <= named(found, Level.STATIC)
    assert {name for name in found if name.startswith("model.caf.mart_") and found[name] == Level.SHARD} == set()
    assert {"stg_events", "fct_referrals", "int_household_stays"} <= named(found, Level.SHARD)
    assert {"fct_alerts", "dim_coverage", "int_arrivals", "mart_data_quality"} <= named(found, Level.NATION)


def test_new_model_that_names_families_is_refused_by_name(changed):
    add(changed, "fct_new", ["model.caf.stg_events"], ["family_id", "number"])

    with pytest.raises(RulesInvalid, match="fct_new names families"):
        levels(changed, rule_scopes())


@pytest.mark.parametrize(("said", "level"), [("connected_families", Level.SHARD), ("nation", Level.NATION)])
def test_new_model_may_say_where_it_is_made(changed, said, level):
    add(changed, "fct_new", ["model.caf.stg_events"], ["family_id"], made_by=said)

    assert levels(changed, rule_scopes())["model.caf.fct_new"] == level


def test_misspelt_declaration_is_refused(changed):
    add(changed, "fct_new", ["model.caf.stg_events"], ["family_id"], made_by="family")

    with pytest.raises(RulesInvalid, match=r"fct_new says made_by: family; allowed: connected_families, nation"):
        levels(changed, rule_scopes())


def test_new_model_without_families_is_made_for_the_nation(changed):
    add(changed, "mart_new", ["model.caf.stg_events"], ["authority_code"])

    assert levels(changed, rule_scopes())["model.caf.mart_new"] == Level.NATION


def test_rule_of_families_that_reads_what_is_not_cut_is_refused(changed):
    changed["nodes"]["model.caf.int_concerns"]["depends_on"]["nodes"].append("source.caf.landing.quarantine")

    with pytest.raises(RulesInvalid, match=r"int_concerns .* reads landing\.quarantine"):
        levels(changed, rule_scopes())


def test_shard_that_reads_what_is_made_of_shards_is_refused():
    def statement(name: str, *parents: str, grows_by: str | None = None) -> Statement:
        return Statement(f"model.{name}", name, "", tuple(f"model.{parent}" for parent in parents), grows_by)

    statements = [
        statement("stg_events", grows_by="root"),
        statement("fct", "stg_events"),
        statement("sum", "fct"),
        statement("later", "stg_events", "sum"),
    ]
    shard, nation = Level.SHARD, Level.NATION
    found = {"model.stg_events": shard, "model.fct": shard, "model.sum": nation, "model.later": shard}

    with pytest.raises(BuildFailed, match=r"model\.sum, which is made from their own tables: model\.fct"):
        split(statements, found)


def test_everything_that_names_a_person_a_family_or_an_address_connects():
    one, several = subjects()

    assert one == ["address_id", "family_id", "linked_person_id", "person_id", "release_family_id"]
    assert several == ["marker_families", "person_ids"]
