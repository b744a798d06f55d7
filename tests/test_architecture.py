"""Who may import whom."""

import ast
from pathlib import Path

import pytest

from streams.settings import PROJECT

FOUNDATION = {"contracts", "names", "settings", "errors"}
MIDDLE = {"lake", "kafka", "rules", "stack"}


def modules(folder: str) -> list[Path]:
    return sorted((PROJECT / folder).rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Absolute names of everything that a module imports, at any depth of the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def parts(path: Path) -> set[str]:
    """The parts of `streams` that a module imports: `lake`, `contracts`, …"""
    return {name.split(".")[1] for name in imports(path) if name.startswith("streams.")}


@pytest.mark.parametrize("path", modules("streams") + modules("expectations"), ids=str)
def test_only_dags_import_airflow(path: Path) -> None:
    assert "airflow" not in tops(path)


@pytest.mark.parametrize("path", modules("streams") + modules("dags"), ids=str)
def test_only_expectations_import_great_expectations(path: Path) -> None:
    assert "great_expectations" not in tops(path)


@pytest.mark.parametrize("path", modules("streams") + modules("dags") + modules("dashboard"), ids=str)
def test_only_the_spark_job_imports_spark(path: Path) -> None:
    """It runs in an environment of its own, which has little of what the project imports."""
    is_of_the_job = path.relative_to(PROJECT).as_posix() in {"streams/nation/job.py", "streams/nation/telling.py"}

    assert is_of_the_job or not tops(path) & {"pyspark", "py4j"}
    if is_of_the_job or path.stem in {"tasks", "components"}:
        assert parts(path) <= {"nation"}


@pytest.mark.parametrize("path", modules("streams") + modules("expectations") + modules("dags"), ids=str)
def test_nothing_imports_dags(path: Path) -> None:
    assert "dags" not in tops(path)


@pytest.mark.parametrize("path", modules("streams"), ids=str)
def test_streams_does_not_import_expectations_but_for_the_command_line(path: Path) -> None:
    if "cli" not in path.relative_to(PROJECT).parts:
        assert "expectations" not in tops(path)


@pytest.mark.parametrize("path", [p for part in sorted(FOUNDATION) for p in modules(f"streams/{part}")], ids=str)
def test_the_foundation_imports_nothing_above_it(path: Path) -> None:
    assert parts(path) <= FOUNDATION


@pytest.mark.parametrize("path", [p for part in sorted(MIDDLE) for p in modules(f"streams/{part}")], ids=str)
def test_lake_kafka_rules_and_stack_import_only_the_foundation_and_each_other(path: Path) -> None:
    assert parts(path) <= FOUNDATION | MIDDLE


@pytest.mark.parametrize("path", [p for p in modules("streams") if "cli" not in p.parts], ids=str)
def test_nothing_imports_the_command_line(path: Path) -> None:
    assert "cli" not in parts(path)


@pytest.mark.parametrize("path", modules("streams") + modules("expectations") + modules("dags"), ids=str)
def test_only_the_command_line_imports_the_pages(path: Path) -> None:
    if "cli" not in path.parts:
        assert "dashboard" not in tops(path)


@pytest.mark.parametrize("path", modules("dashboard"), ids=str)
def test_the_pages_import_neither_the_command_line_nor_airflow_nor_expectations(path: Path) -> None:
    assert not tops(path) & {"airflow", "dags", "expectations", "great_expectations"}
    assert "cli" not in parts(path)


@pytest.mark.parametrize("path", modules("dags"), ids=str)
def test_a_dag_file_does_not_import_another_one(path: Path) -> None:
    names = {p.stem for p in modules("dags")}
    assert not names & tops(path)


def promising() -> list[Path]:
    """Modules that say of records that they are durable: not the load of benchmarks; alerts are in transactions."""
    free = {PROJECT / "streams" / "watch" / "publish.py"}
    return [path for path in modules("streams") if not {"bench", "simulate"} & set(path.parts) and path not in free]


@pytest.mark.parametrize("path", promising(), ids=str)
def test_no_acknowledgement_is_thrown_away(path: Path) -> None:
    """Who sends a record and drops the future knows nothing of what became of it."""
    dropped = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Attribute)
        and node.value.func.attr == "send"
        and any(keyword.arg in {"key", "value"} for keyword in node.value.keywords)
    ]

    assert dropped == []
