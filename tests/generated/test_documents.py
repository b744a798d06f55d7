"""The checked-in files equal the files that the contract generates, and every example is a valid message."""

import json
from types import SimpleNamespace

import duckdb
import jsonschema
import msgspec
import pytest
import yaml

from streams.contracts import Accepted, codesets, decode, event_types
from streams.contracts.codesets import Code
from streams.contracts.columns import EVENT_COLUMNS, QUARANTINE_COLUMNS
from streams.contracts.describe import describe
from streams.contracts.envelope import Correction, Envelope, Withdrawal
from streams.contracts.generate import differing, generated
from streams.contracts.generate.json_schema import message_schemas
from streams.contracts.landing import landing_tables
from streams.contracts.outputs import Alert, DeadLetter, Heartbeat
from streams.names import INPUT_TOPICS
from streams.settings import PROJECT

SCHEMAS = message_schemas()
INPUTS = [type_ for type_ in SCHEMAS if any(type_.startswith(f"uk.{topic[:-3]}.") for topic in INPUT_TOPICS)]
STRUCTS = [*event_types().values(), Alert, DeadLetter, Heartbeat, Correction, Envelope, Withdrawal]
CODE_SETS = [found for name in codesets.__all__ if isinstance(found := getattr(codesets, name), type)]


def validator(type_):
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(SCHEMAS[type_], format_checker=checker)


def record(message, topic, key):
    return SimpleNamespace(
        topic=topic,
        partition=0,
        offset=0,
        timestamp=0,
        key=key.encode(),
        value=json.dumps(message).encode(),
        headers=(),
    )


def test_checked_in_files_are_what_the_contract_gives():
    assert differing() == []


def test_no_generated_file_is_left_over():
    """People would still rely on the file of an event type that no longer exists."""
    folders = ("docs/contracts/schemas", "expectations/generated")
    found = {str(file.relative_to(PROJECT)) for folder in folders for file in (PROJECT / folder).iterdir()}

    assert found <= generated().keys()


@pytest.mark.parametrize("type_", SCHEMAS)
def test_example_is_valid_by_its_schema(type_):
    validator(type_).check_schema(SCHEMAS[type_])

    validator(type_).validate(SCHEMAS[type_]["examples"][0])


@pytest.mark.parametrize("type_", [type_ for type_ in INPUTS if not type_.endswith("alert.v1")])
def test_example_is_accepted_by_the_contract(type_):
    example = SCHEMAS[type_]["examples"][0]
    data = example["data"].get("replacement", example["data"])
    keys = [data[name] for name in ("family_id", "person_id", "alert_id") if name in data]
    topic = f"caf.{type_.split('.')[2]}.v1"

    assert any(isinstance(decode(record(example, topic, key)), Accepted) for key in keys)


@pytest.mark.parametrize("type_", INPUTS)
def test_schema_refuses_an_example_without_its_data(type_):
    example = {name: value for name, value in SCHEMAS[type_]["examples"][0].items() if name != "data"}

    assert not validator(type_).is_valid(example)


def test_schema_refuses_a_code_that_is_not_in_its_list():
    type_ = "uk.caf.referral.referral-submitted.v1"
    example = json.loads(json.dumps(SCHEMAS[type_]["examples"][0]))
    example["data"]["severity"] = "purple"

    assert not validator(type_).is_valid(example)


def test_schema_refuses_a_replacement_that_is_not_of_the_replaced_type():
    type_ = "uk.caf.referral.corrected.v1"
    example = json.loads(json.dumps(SCHEMAS[type_]["examples"][0]))
    example["data"]["replacement"] = {"family_id": "F-000123"}

    assert not validator(type_).is_valid(example)


def test_schema_refuses_an_address_of_a_family_and_a_person_at_once():
    type_ = "uk.caf.case-change.address-changed.v1"
    example = json.loads(json.dumps(SCHEMAS[type_]["examples"][0]))
    example["data"]["person_id"] = "P-000456"

    assert not validator(type_).is_valid(example)


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_every_field_has_a_description_and_an_example(struct):
    assert struct.__doc__
    for field in msgspec.structs.fields(struct):
        if field.type is not msgspec.Raw:
            assert describe(field).text.endswith(".") or describe(field).text.endswith("…"), field.name


@pytest.mark.parametrize("codes", CODE_SETS, ids=lambda codes: codes.__name__)
def test_every_code_has_a_meaning(codes):
    if codes is not Code:
        assert all(code.meaning for code in codes)


def test_asyncapi_names_only_what_exists():
    document = yaml.safe_load((PROJECT / "docs/contracts/asyncapi.yaml").read_text())
    messages = document["components"]["messages"]

    for channel in document["channels"].values():
        assert all(
            ref["$ref"].removeprefix("#/components/messages/") in messages for ref in channel["messages"].values()
        )
    for message in messages.values():
        assert (PROJECT / "docs/contracts" / message["payload"]["$ref"]).is_file()
    assert {
        operation["channel"]["$ref"].removeprefix("#/channels/") for operation in document["operations"].values()
    } == (document["channels"].keys())


def test_landing_ddl_makes_the_tables_of_the_contract():
    with duckdb.connect() as lake:
        lake.execute("ATTACH ':memory:' AS landing")
        lake.execute((PROJECT / "streams/lake/landing.sql").read_text())
        made = {
            table: [
                name for (name,) in lake.execute(f"SELECT column_name FROM (DESCRIBE landing.main.{table})").fetchall()
            ]
            for table in landing_tables()
        }

    assert made["events"] == list(EVENT_COLUMNS)
    assert made["quarantine"] == list(QUARANTINE_COLUMNS)
    assert made == {name: list(table.columns) for name, table in landing_tables().items()}


def test_alert_columns_are_the_fields_of_an_alert():
    columns = list(landing_tables()["alerts"].columns)[5:]

    assert columns == [name.replace("received_at", "cause_received_at") for name in Alert.__struct_fields__]


def test_dbt_sources_describe_every_column():
    document = yaml.safe_load((PROJECT / "dbt_project/models/sources.yml").read_text())
    columns = [column for source in document["sources"] for table in source["tables"] for column in table["columns"]]

    assert all(column["description"] and column["data_type"] for column in columns)
