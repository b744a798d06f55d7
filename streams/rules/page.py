"""Generate `docs/rules/rules.md`, the rule register as a page. The generated page is checked in."""

from pathlib import Path

from streams.rules.register import Entry
from streams.settings import PROJECT

__all__ = ["PAGE", "page"]

PAGE: Path = PROJECT / "docs" / "rules" / "rules.md"

_PARITY = "tests/parity/test_rules_against_oracle.py"

_PREAMBLE = """# The rules, one by one

`./caf rules --write` generates this page from the seeds, the compiled SQL and the tests. Edit those files instead.
[README.md](README.md) explains how to add a rule and how to try another threshold. `./caf routes` shows who gets the
alerts of each rule ([routing](../routing.md)). The numbers of alerts a year are alerts for 10,000 children. They were
counted in a simulated year of Wirral without planted cases.

| rule | severity | alerts a year |
|---|---|---|
"""


def page(entries: list[Entry]) -> str:
    """Return the page of all rules."""
    index = "".join(f"| [{one.rule}](#{one.rule}) | {one.severity} | {_a_year(one)} |\n" for one in entries)
    return _PREAMBLE + index + "".join(map(_section, entries))


def _a_year(one: Entry) -> object:
    assert one.expected is not None, "a rule without it is not complete"
    return one.expected.a_year


def _section(one: Entry) -> str:
    about = (
        f"Version {one.version}. Severity: {_severity(one)}. Each alert is about one {one.entity_kind}. "
        f"The rule is evaluated for one {one.scope} at a time. Its SQL is in `{one.sql}`. "
        f"`./caf rules {one.rule} --sql duckdb` also prints the models that this file reads.\n"
    )
    alerts = "alert" if _a_year(one) == 1 else "alerts"
    parts = [
        f"\n## {one.rule}\n\n{one.statement}\n\n{about}\n",
        f"- **Practice**: {one.practice}\n- **Cleared when**: {one.clears_when}.\n",
        f"- **Facts that can change its result**: {_listed(one.facts)}\n",
        f"- **Columns of the events it reads**: {_listed(one.columns)}\n",
        f"- **Models that it reads**: {_listed(one.models)}\n",
        f"- **Expected**: {_a_year(one)} {alerts} a year for 10,000 children\n",
        f"- **Tests**: {_files(one.tests)}\n",
        f"- **Second version in Python**: {_oracle(one)}\n",
        _thresholds(one),
    ]
    return "".join(parts)


def _severity(one: Entry) -> str:
    others = [severity for severity in one.severities if severity != one.severity]
    return f"{one.severity} or {' or '.join(others)}" if others else one.severity


def _oracle(one: Entry) -> str:
    if one.oracle is None:
        return "none, because only the build evaluates this rule"
    return f"`{one.oracle}`, tested by {_files(one.oracle_tests)}, compared with the SQL by `{_PARITY}`"


def _files(tests: tuple[str, ...]) -> str:
    return _listed(tuple(sorted({test.partition("::")[0] for test in tests})))


def _thresholds(one: Entry) -> str:
    if not one.thresholds:
        return "- **Thresholds**: none\n"
    profiles = list(next(iter(one.thresholds.values())))
    lines = [f"| threshold | {' | '.join(profiles)} |", "|---" * (len(profiles) + 1) + "|"]
    lines += [f"| `{name}` | {' | '.join(values.values())} |" for name, values in one.thresholds.items()]
    return "\n" + "\n".join(lines) + "\n"


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words) or "none"
