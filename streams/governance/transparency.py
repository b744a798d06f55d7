"""The record of the alert rules for the Algorithmic Transparency Recording Standard (ATRS, version 3)."""

from collections.abc import Sequence

from streams.governance.tables import listed, markdown, seed
from streams.rules.register import Entry

__all__ = ["transparency_record"]

_COUNCIL = "*To be completed by the council.*"


def transparency_record(entries: Sequence[Entry]) -> str:
    """Return the record of all rules, with the fields of tier 1 and tier 2."""
    headings = ["rule", "version", "severity", "raises an alert when", "practice", "alerts a year for 10,000 children"]
    reads = ([f"`{one.rule}`", listed(one.facts), listed(one.columns)] for one in entries)
    sections: dict[str, list[str]] = {}
    for line in seed("transparency"):
        text = line["text"] or _COUNCIL
        sections.setdefault(line["section"], []).append(f"**{line['number']} {line['field']}.** {text}\n")
    written = "".join(f"\n## {section}\n\n{chr(10).join(fields)}" for section, fields in sections.items())
    return f"""# Transparency record of the alert rules

`./caf governance --write` generates this page from `streams/governance/transparency.csv` and the register of rules.
Edit those and not this page. The fields are those of the Algorithmic Transparency Recording Standard, version 3.
Councils may use the standard and need not. A council completes the fields that only it can answer before it publishes
the record.
{written}
## The rules

Each rule is one SQL query. [rules.md](../rules/rules.md) has each rule in full, with its thresholds and tests.

{markdown(headings, map(_rule, entries))}
## What the rules read

The rules read these fields of events, besides the ids and times of the events. No rule reads sex, ethnicity,
disabilities or deprivation: a test fails if one does (`streams/rules/protected.py`). A date of birth is read only to
find out whether somebody is a child or of school age.

{markdown(["rule", "facts", "fields"], reads)}"""


def _rule(one: Entry) -> list[object]:
    a_year = one.expected.a_year if one.expected else "unknown"
    return [f"`{one.rule}`", one.version, one.severity, one.statement, one.practice, a_year]
