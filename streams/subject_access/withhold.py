"""Apply the policy to what is held: which facts a subject may see, and why the others are withheld."""

from dataclasses import dataclass
from typing import Any

from streams.contracts.subjects import columns_naming
from streams.subject_access.holdings import Held
from streams.subject_access.policy import Policy
from streams.subject_access.subject import Subject

__all__ = ["Judged", "judge"]


@dataclass(frozen=True)
class Judged:
    """
    A row, and what of it the subject may see.

    Attributes:
        record: the policy's word for the kind of the row: a fact, `withdrawal` or a table.
        whole: the reason for which the whole row is withheld; None if the subject may see some of it.
        shown: the facts that the subject may see.
        withheld: for each other fact, the reason for withholding it.
    """

    record: str
    whole: str | None
    shown: dict[str, Any]
    withheld: dict[str, str]


def judge(held: Held, subject: Subject, policy: Policy) -> Judged:
    """Decide what of a row the subject may see."""
    record = held.facts.get("fact", "withdrawal") if held.table == "events" else held.table
    shown, withheld = {}, {}
    for name, value in held.facts.items():
        verdict = policy.of_field(subject.kind, held.table, name)
        if verdict.shown == "yes" or (verdict.shown == "own" and _is_own(value, subject)):
            shown[name] = value
        else:
            withheld[name] = verdict.reason
    whole = _whole(held, subject, policy, record)
    return Judged(record, whole, {} if whole else shown, withheld)


def _whole(held: Held, subject: Subject, policy: Policy, record: str) -> str | None:
    """Return the reason for which no fact of a row may be shown, or None."""
    verdict = policy.of_record(subject.kind, record)
    if verdict.shown != "yes":
        return verdict.reason
    if held.table != "events":
        return None
    if held.state != "in force":
        return "not_in_force"
    persons, families = (_named(held, kind) for kind in ("person", "family"))
    own, others = (persons, set()) if subject.kind == "person" else (families, persons)
    return None if own and own <= subject.sure_ids and not others else "other_subject"


def _is_own(value: Any, subject: Subject) -> bool:
    return set(value if isinstance(value, list) else [value]) <= subject.sure_ids


def _named(held: Held, kind: Any) -> set[str]:
    one, several = columns_naming(kind)
    return {held.facts[name] for name in one if name in held.facts} | {
        member for name in several for member in held.facts.get(name, ())
    }
