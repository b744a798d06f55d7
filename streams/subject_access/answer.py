"""
The answer to a request for access, as JSON or as an HTML document, written piece by piece.

The answer for a subject contains nothing about what was withheld, not even its number. It does not show either when and
how often something was recorded (`merged`).
"""

import json
from collections.abc import Iterable, Iterator
from html import escape
from typing import Any, Literal

from streams.subject_access.holdings import SECTIONS, Holdings
from streams.subject_access.merged import merged
from streams.subject_access.policy import Policy
from streams.subject_access.withhold import Judged, judge
from streams.subject_access.words import label, plain, texts, title, written

__all__ = ["Reader", "document", "json_text"]

Reader = Literal["subject", "officer"]
"""Who the answer is for: the person who asked, or the officer who answers."""

_STYLE = """
body { font: 11pt/1.5 sans-serif; max-width: 46em; margin: 2em auto; padding: 0 1em; color: #111 }
article { border-top: 1px solid #999; margin: 1em 0; break-inside: avoid }
table { border-collapse: collapse; width: 100% } td { vertical-align: top; padding: .15em .8em .15em 0 }
td:first-child { width: 14em } td, p { overflow-wrap: anywhere } .withheld { color: #8a1c1c }
@media print { body { margin: 0; max-width: none } }
"""


def json_text(holdings: Holdings, policy: Policy, reader: Reader) -> Iterator[str]:
    """Yield the answer as the pieces of one JSON object."""
    yield f"{_open_object(_heading(holdings, reader))},\n"
    if reader == "subject":
        yield '"records": ['
        yield from _joined(_json({"record": one.record, "facts": one.shown}) for one in _visible(holdings, policy))
        yield f'],\n"information": {_json({one.heading: one.text for one in texts().information})}}}\n'
        return
    yield '"sections": {'
    for number, table in enumerate(SECTIONS):
        yield f"{',' if number else ''}\n{_json(table)}: ["
        yield from _joined(_json(_for_officer(*one)) for one in _judged(holdings, policy, table))
        yield "]"
    last = {
        "published_figures": _figures(holdings, policy),
        "not_included": texts().not_included,
        "checks": texts().checks,
        "reasons": {one.name: {"sentence": one.sentence, "law": one.law} for one in policy.reasons.values()},
    }
    yield f"}},\n{_json(last)[1:]}\n"


def document(holdings: Holdings, policy: Policy, reader: Reader) -> Iterator[str]:
    """Yield the answer as the pieces of an HTML document, which contains no scripts and loads nothing."""
    heading = "Your information" if reader == "subject" else "Everything held, for the officer who answers"
    yield "<!DOCTYPE html>\n<html lang='en-GB'><meta charset='utf-8'><meta name='referrer' content='no-referrer'>"
    yield f"<title>{heading}</title><style>{_STYLE}</style><h1>{heading}</h1>\n"
    yield _table((label(name), value) for name, value in _heading(holdings, reader).items())
    yield from _of_subject(holdings, policy) if reader == "subject" else _of_officer(holdings, policy)
    yield "</html>\n"


def _of_subject(holdings: Holdings, policy: Policy) -> Iterator[str]:
    yield "<h2>Records</h2>\n"
    none = True
    for one in _visible(holdings, policy):
        none = False
        facts = ((label(name), written(name, value)) for name, value in one.shown.items() if name != "fact")
        yield f"<article><h3>{escape(title(one.record))}</h3>{_table(facts)}</article>\n"
    if none:
        yield "<p>There are no records that this answer can show.</p>\n"
    for told in texts().information:
        yield f"<h2>{escape(told.heading)}</h2><p>{escape(told.text)}</p>\n"


def _of_officer(holdings: Holdings, policy: Policy) -> Iterator[str]:
    yield f"<h2>Before you hand anything over</h2><ul>{_items(texts().checks)}</ul>\n"
    yield "<p>Ask about each family or person above, too: records that name only them are not in this answer.</p>\n"
    for table, heading in SECTIONS.items():
        yield f"<h2>{escape(heading)}</h2>\n"
        none = True
        for state, facts, one in _judged(holdings, policy, table):
            none = False
            yield f"<article><h3>{escape(title(one.record))}{f', {state}' if state else ''}</h3>"
            if one.whole:
                yield f"<p class='withheld'>Withheld from the subject: {_because(policy, one.whole)}</p>"
            rows = "".join(_row(name, value, one, policy) for name, value in facts.items())
            yield f"<table>{rows}</table></article>\n"
        yield "<p>None.</p>\n" if none else ""
    figures = _figures(holdings, policy)
    yield f"<h2>Published figures</h2><p>Number of figures: {figures['count']}. {_because(policy, 'reporter')}</p>\n"
    yield f"<h2>Not included</h2><ul>{_items(texts().not_included)}</ul>\n"


def _row(name: str, value: Any, one: Judged, policy: Policy) -> str:
    reason = one.withheld.get(name)
    note = f"<br><span class='withheld'>{_because(policy, reason)}</span>" if reason and not one.whole else ""
    return f"<tr><td>{escape(label(name))}</td><td>{escape(written(name, value))}{note}</td></tr>"


def _because(policy: Policy, reason: str) -> str:
    found = policy.reasons[reason]
    return escape(f"{found.sentence} ({found.law})")


def _visible(holdings: Holdings, policy: Policy) -> list[Judged]:
    return merged(one for table in SECTIONS for _, _, one in _judged(holdings, policy, table) if not one.whole)


def _judged(holdings: Holdings, policy: Policy, table: str) -> Iterator[tuple[str, dict[str, Any], Judged]]:
    for held in holdings.section(table):
        yield held.state, held.facts, judge(held, holdings.subject, policy)


def _for_officer(state: str, facts: dict[str, Any], one: Judged) -> dict[str, Any]:
    withheld: dict[str, Any] = {"whole": one.whole} if one.whole else {"fields": one.withheld}
    return {"record": one.record, **({"state": state} if state else {}), "facts": facts, "withheld": withheld}


def _figures(holdings: Holdings, policy: Policy) -> dict[str, Any]:
    return {"count": holdings.figures, "withheld": policy.of_record(holdings.subject.kind, "figures").reason}


def _heading(holdings: Holdings, reader: Reader) -> dict[str, Any]:
    subject = holdings.subject
    heading: dict[str, Any] = {"about": subject.asked, "kind": subject.kind, "made_on": f"{holdings.made_at:%d %B %Y}"}
    if reader == "officer":
        heading["identifiers"] = list(subject.ids)
        heading["families" if subject.kind == "person" else "persons"] = list(subject.related)
        heading["includes_what_landed_until"] = holdings.landed_until
    return heading


def _open_object(value: dict[str, Any]) -> str:
    return _json(value)[:-1]


def _json(value: object) -> str:
    return json.dumps(value, default=plain, ensure_ascii=False)


def _joined(pieces: Iterable[str]) -> Iterator[str]:
    for number, piece in enumerate(pieces):
        yield f"{',' if number else ''}\n{piece}"


def _table(rows: Iterable[tuple[str, Any]]) -> str:
    cells = (f"<tr><td>{escape(name)}</td><td>{escape(written('', value))}</td></tr>" for name, value in rows)
    return f"<table>{''.join(cells)}</table>\n"


def _items(texts: Iterable[str]) -> str:
    return "".join(f"<li>{escape(text)}</li>" for text in texts)
