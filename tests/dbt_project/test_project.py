"""The dbt project as a whole: it is fully described, the stream can run it, and its generated seeds are up to date."""

import importlib.util
import re
from pathlib import Path

from streams.marts.periods import PARENTS
from streams.rules.compiled import project_manifest
from streams.settings import PROJECT

FOLDER = PROJECT / "dbt_project"
OWN_SCHEMAS = ("staging", "intermediate", "alerts")


def test_rules_run_in_memory_as_compiled(stream, models):
    """The fixture has created every alert model from its compiled SQL. All alert models have the same columns."""
    envelopes = {
        tuple(stream.sql(f"describe {model['relation_name']}").project("column_name, column_type").fetchall())
        for model in models
        if model["schema"] == "alerts"
    }

    assert len(envelopes) == 1


def test_nothing_upstream_of_an_alert_depends_on_how_it_is_run(models):
    for model in models:
        code = re.sub(r"\{#.*?#\}|--[^\n]*", "", model["raw_code"], flags=re.DOTALL)
        assert not re.search(r"is_incremental|run_query|\bnow\(|current_(date|timestamp)", code), model["name"]
        assert model["config"]["materialized"] == "table", model["name"]
        assert not model["config"]["pre-hook"] + model["config"]["post-hook"], model["name"]


def test_models_that_grow_by_connected_group_read_only_events_and_declared_clocks(settings):
    """
    A warm build passes such a model the events of some connected groups only (decision 12).

    The model's other rows are kept. If the passing of time can change a row, the model or one of its parents must
    declare the time of the change (`turns_at`).
    """
    nodes = project_manifest(settings)["nodes"]
    others = {None, "root", "received_on", "period_start"}
    growing = {key: node for key, node in nodes.items() if node["config"]["meta"].get("grows_by") not in others}
    turning = {key for key, node in growing.items() if "turns_at" in node["config"]["meta"]}
    read = {parent for node in growing.values() for parent in node["depends_on"]["nodes"] if _reads_clock(node)}

    assert len(growing) > 30
    for key, node in growing.items():
        meta, parents = node["config"]["meta"], node["depends_on"]["nodes"]
        sources = {parent.removeprefix("source.caf.") for parent in parents if parent.startswith("source.")}
        assert sources <= {"landing.events", "run.cut", "run.as_of"}, node["name"]
        assert not _reads_clock(node) or turning & {key, *parents}, node["name"]
        assert key not in turning or _reads_clock(node) or key in read, node["name"]
        assert {meta["grows_by"], *meta.get("turns_at", [])} <= node["columns"].keys(), node["name"]


def test_models_that_grow_by_period_read_models_that_show_changed_periods(settings):
    """All other inputs stay the same. If the map or the published figures change, a full build follows."""
    nodes = project_manifest(settings)["nodes"]
    growing = {key: node for key, node in nodes.items() if node["config"]["meta"].get("grows_by") == "period_start"}

    assert {node["name"] for node in growing.values()} == {"int_need_figures", "mart_locality_need"}
    for node in growing.values():
        models = {nodes[key]["name"] for key in node["depends_on"]["nodes"] if key.startswith("model.")}
        assert not [parent for parent in node["depends_on"]["nodes"] if parent.startswith("source.")], node["name"]
        assert models <= {*PARENTS, "int_need_measures", "int_need_figures", "dim_area", "mart_published_figures"}, (
            node["name"]
        )
    for name, day in PARENTS.items():
        columns = nodes[f"model.caf.{name}"]["columns"]
        assert {day} <= columns.keys() if day else {"period_kind", "period_start"} <= columns.keys(), name


def _reads_clock(node: dict) -> bool:
    return "source.caf.run.as_of" in node["depends_on"]["nodes"]


def test_models_that_grow_by_day_of_arrival_read_only_landed_records(settings):
    """These models may also read seeds, because seeds are the same from one warm build to the next."""
    nodes = project_manifest(settings)["nodes"].values()
    growing = [node for node in nodes if node["config"]["meta"].get("grows_by") == "received_on"]

    assert [node["name"] for node in growing] == ["int_arrivals"]
    for node in growing:
        parents = node["depends_on"]["nodes"]
        read = {parent for parent in parents if not parent.startswith("seed.")}
        assert read == {"source.caf.landing.events", "source.caf.run.cut"}, node["name"]


def test_only_staging_names_a_record_s_own_text_and_leaves_it_out(models):
    """A warm build does not read the payload column of records (`streams/marts/delta.py`)."""
    naming = [model for model in models if "payload" in model["raw_code"]]

    assert [model["name"] for model in naming] == ["stg_events"]
    assert "payload" not in naming[0]["columns"]


def test_chain_between_events_and_rules_is_short(models):
    """
    Each model costs the stream about one millisecond, unless the facts at hand leave the model empty.

    `stg_crowd_limits` costs nothing because it reads only a seed. The rows of `int_crowds` are passed in by the
    watcher.
    """
    ends = [
        model
        for model in models
        if model["schema"] == "alerts" or model["name"].endswith(("_deadlines", "_desk", "_decided_referrals"))
    ]
    upstream = [model for model in models if model not in ends]

    assert len(upstream) <= 25


def test_every_model_and_column_is_described(stream, models):
    for model in models:
        found = {name for (name,) in stream.sql(f"describe {model['relation_name']}").project("column_name").fetchall()}
        described = {name for name, column in model["columns"].items() if column["description"]}
        assert model["description"], model["name"]
        assert found == described, model["name"]


def test_every_model_is_described_and_tested_in_the_yml_beside_it(manifest):
    """The file has the name of its model, and contains tests of no other model."""
    models = {node["name"]: node for node in manifest["nodes"].values() if node["resource_type"] == "model"}
    beside = {name: str(Path(node["original_file_path"]).with_suffix(".yml")) for name, node in models.items()}

    assert {name: node["patch_path"] for name, node in models.items()} == {
        name: f"caf://{path}" for name, path in beside.items()
    }
    assert [
        test["unique_id"]
        for test in manifest["unit_tests"].values()
        if test["original_file_path"] != beside[test["model"]]
    ] == []


def test_every_alert_model_is_in_the_register(manifest, stream):
    rules = {rule for (rule,) in stream.sql("select rule from marts.reference.rules").fetchall()}
    alerts = {node["name"] for node in manifest["nodes"].values() if node.get("schema") == "alerts"}

    assert {name for name in alerts if name.startswith("alert_")} == {f"alert_{rule}" for rule in rules}


def test_every_rule_has_unit_tests(manifest, models):
    tested = {test["model"] for test in manifest["unit_tests"].values()}

    assert {model["name"] for model in models if model["schema"] == "alerts"} <= tested


def test_bank_holidays_are_up_to_date_when_regenerated():
    path = FOLDER / "seeds" / "bank_holidays.py"
    spec = importlib.util.spec_from_file_location("bank_holidays", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    assert (FOLDER / "seeds" / "working_calendar.csv").read_text() == module.working_calendar()
