"""
The files that are derived from the contract and checked in, so that readers, form builders and dbt can do without
Python.

`python -m streams.contracts.generate` writes the files. A test compares them with the contract.
"""

import json
from pathlib import Path

from streams.contracts.generate.asyncapi import asyncapi
from streams.contracts.generate.dbt_sources import dbt_sources
from streams.contracts.generate.ddl import landing_ddl
from streams.contracts.generate.expectations import expectation_suites
from streams.contracts.generate.json_schema import message_schemas
from streams.settings import PROJECT

__all__ = ["differing", "generated", "write"]

_PREAMBLE = "Generated from streams/contracts by `./caf contracts generate`; edit the contract instead."


def generated() -> dict[str, str]:
    """Return the text of every generated file, by its path in the project."""
    schemas = {
        f"docs/contracts/schemas/{type_}.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for type_, schema in message_schemas().items()
    }
    suites = {f"expectations/generated/{name}.json": text for name, text in expectation_suites().items()}
    return {
        **schemas,
        **suites,
        "docs/contracts/asyncapi.yaml": asyncapi(_PREAMBLE),
        "dbt_project/models/sources.yml": dbt_sources(_PREAMBLE),
        "streams/lake/landing.sql": landing_ddl(_PREAMBLE),
    }


def write(root: Path = PROJECT) -> list[str]:
    """Write the generated files that differ from the contract, and return their paths."""
    changed = differing(root)
    texts = generated()
    for path in changed:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(texts[path])
    return changed


def differing(root: Path = PROJECT) -> list[str]:
    """Return the paths of generated files that are missing or differ from the contract."""
    return [path for path, text in generated().items() if not _same(root / path, text)]


def _same(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text() == text
