"""Which part of the project may import which other part."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from streams.settings import PROJECT

PARTS = (
    # parts that everything depends on
    *("streams.errors", "streams.settings", "streams.names", "streams.times", "streams.private"),
    *("streams.edited_table", "streams.contracts"),
    # the access to the servers, and what starts them
    *("streams.kafka", "streams.lake", "streams.backup", "streams.stack"),
    # the record of who saw or did what
    "streams.audit",
    # reference data, definitions and rules
    *("streams.reference", "streams.coverage", "streams.measures", "streams.rules"),
    # the way from an event to an alert, a row, a figure and a notification
    *("streams.intake", "streams.alerts", "streams.watch", "streams.land", "streams.marts", "streams.nation"),
    "streams.erase",
    *("streams.disclosure", "streams.tell", "streams.subject_access", "streams.health", "streams.governance"),
    # other sources of events
    *("streams.importers", "streams.simulate", "streams.dfe_check"),
    # commands and pages for people
    *("expectations", "dashboard", "streams.demo", "streams.bench", "streams.cli", "dags"),
)
"""The parts in order. Each part imports only parts before it, so no two parts depend on each other."""

ONLY = {
    "dags": {"airflow"},
    "expectations": {"great_expectations"},
    "streams.nation": {"pyspark", "py4j"},
    "streams.rules": {"sqlglot"},
    "dashboard": {"altair", "starlette", "jinja2"},
}
"""Libraries that only one part imports."""

LEAVES = {
    # Code about alerts that other parts need is in `streams.alerts`.
    "streams.watch": {"streams.bench", "streams.cli", "dags"},
    # Only commands start servers. `health` asks which servers run, `nation` starts Spark, and a DAG rings the doorbell.
    "streams.stack": {"streams.nation", "streams.health", "streams.demo", "streams.bench", "streams.cli", "dags"},
}
"""Parts that only the named parts may import."""


def modules() -> Iterator[tuple[str, Path]]:
    """All modules, each with the part to which the module belongs."""
    for top in ("streams", "dashboard", "expectations", "dags"):
        for path in sorted((PROJECT / top).rglob("*.py")):
            yield part_of(".".join(path.relative_to(PROJECT).with_suffix("").parts)) or top, path


def part_of(name: str) -> str | None:
    """The part to which a module belongs."""
    return next((part for part in PARTS if name == part or name.startswith(f"{part}.")), None)


def imports(path: Path) -> set[str]:
    """Absolute names of all imports in a module, anywhere in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


IMPORTS: Mapping[tuple[str, Path], set[str]] = {module: imports(module[1]) for module in modules()}


def test_every_module_belongs_to_a_part() -> None:
    free = {PROJECT / "streams" / "__init__.py"}

    assert [path for part, path in IMPORTS if part not in PARTS and path not in free] == []


@pytest.mark.parametrize("part", PARTS)
def test_a_part_imports_only_parts_before_it(part: str) -> None:
    allowed = PARTS[: PARTS.index(part) + 1]
    wrong = [
        (path.relative_to(PROJECT), name)
        for (own, path), names in IMPORTS.items()
        for name in names
        if own == part and part_of(name) not in {None, *allowed}
    ]

    assert wrong == []


@pytest.mark.parametrize("library", sorted(set().union(*ONLY.values())))
def test_a_library_is_imported_by_one_part(library: str) -> None:
    (owner,) = (part for part, libraries in ONLY.items() if library in libraries)
    using = {part for (part, _), names in IMPORTS.items() if library in {name.split(".")[0] for name in names}}

    assert using <= {owner}


@pytest.mark.parametrize("part", sorted(LEAVES))
def test_the_insides_of_a_part_are_imported_by_few(part: str) -> None:
    using = {own for (own, _), names in IMPORTS.items() if any(part_of(name) == part for name in names)}

    assert using <= LEAVES[part] | {part}


def test_a_dag_file_does_not_import_another_one() -> None:
    dags = {path.stem for part, path in IMPORTS if part == "dags"}

    assert not any(
        dags & {name.split(".")[0] for name in names} for (part, _), names in IMPORTS.items() if part == "dags"
    )


def test_a_job_in_the_environment_of_spark_imports_little() -> None:
    """Spark's environment has only a few of the packages that the project imports."""
    folder = PROJECT / "streams" / "nation"
    jobs = [folder / f"{name}.py" for name in ("job", "telling", "tasks", "components")]
    found = {path: {name for name in names if part_of(name)} for (_, path), names in IMPORTS.items() if path in jobs}

    assert len(found) == len(jobs)
    assert all(part_of(name) == "streams.nation" for names in found.values() for name in names)


def promising() -> list[Path]:
    """
    Modules that report records as durable.

    Benchmark load is not included. Alerts are not included either, because they are sent in transactions.
    """
    free = {PROJECT / "streams" / "alerts" / "publisher.py"}
    return [path for part, path in IMPORTS if part not in {"streams.bench", "streams.simulate"} and path not in free]


def test_no_acknowledgement_is_thrown_away() -> None:
    """Code that sends a record and drops the future cannot know whether the broker acknowledged the record."""
    dropped = [
        (path.relative_to(PROJECT), node.lineno)
        for path in promising()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and node.value.func.attr == "send"
        and any(keyword.arg in {"key", "value"} for keyword in node.value.keywords)
    ]

    assert dropped == []
