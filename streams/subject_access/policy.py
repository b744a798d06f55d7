"""
What a data subject may see: the table `policy.csv`, and the reasons with their legal sources in `reasons.csv`.

The policy looks only at the kind of a record and at the names of its fields, and not at what else is held. Otherwise a
person could learn from a gap that, for example, a risk marker exists. What the policy does not name is withheld.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from streams.errors import PolicyInvalid

__all__ = ["POLICY_FILE", "Kind", "Policy", "Reason", "Verdict", "read_policy"]

POLICY_FILE = Path(__file__).with_name("policy.csv")
_REASONS_FILE = Path(__file__).with_name("reasons.csv")
_WHOLE = "*"

Kind = Literal["person", "family"]
"""What somebody asks about."""

_COLUMNS: Mapping[Kind, str] = {"person": "to_person", "family": "to_family"}


@dataclass(frozen=True)
class Reason:
    """Why something is withheld, in one sentence, and the law that allows it."""

    name: str
    sentence: str
    law: str


@dataclass(frozen=True)
class Verdict:
    """
    Whether a field or a whole record may be shown.

    Attributes:
        shown: `yes`; `no`; or `own` if only an id that was asked about may be shown.
        reason: the name of the reason for withholding.
    """

    shown: Literal["yes", "no", "own"]
    reason: str


@dataclass(frozen=True, eq=False)
class Policy:
    """One version of the policy. `verdicts` has a verdict for each kind of subject, record and field."""

    verdicts: Mapping[tuple[Kind, str, str], Verdict]
    reasons: Mapping[str, Reason]

    def of_record(self, kind: Kind, record: str) -> Verdict:
        """Return whether records of this kind may be shown at all."""
        return self.of_field(kind, record, _WHOLE)

    def of_field(self, kind: Kind, table: str, field: str) -> Verdict:
        """Return whether a field of a landing table may be shown. If the policy does not name it, it is withheld."""
        return self.verdicts.get((kind, table, field), Verdict("no", "unnamed"))

    def names(self, record: str, field: str = _WHOLE) -> bool:
        """Return whether the policy names a record or a field."""
        return ("person", record, field) in self.verdicts


def read_policy(path: Path = POLICY_FILE) -> Policy:
    """
    Read and check the policy.

    Raises:
        PolicyInvalid: a column is missing, a word is unknown, or two lines decide about the same field.
    """
    with _REASONS_FILE.open(newline="") as file:
        reasons = {
            line["reason"]: Reason(line["reason"], line["sentence"], line["law"]) for line in csv.DictReader(file)
        }
    verdicts: dict[tuple[Kind, str, str], Verdict] = {}
    with path.open(newline="") as file:
        for number, line in enumerate(csv.DictReader(file), start=2):
            if None in line or None in line.values() or set(line) != {"record", "fields", *_COLUMNS.values(), "reason"}:
                raise PolicyInvalid(f"line {number} of the policy has other columns than {POLICY_FILE.name}")
            for field in line["fields"].split():
                _add(verdicts, reasons, line, field, number)
    return Policy(verdicts, reasons)


def _add(
    verdicts: dict[tuple[Kind, str, str], Verdict],
    reasons: Mapping[str, Reason],
    line: Mapping[str, str],
    field: str,
    number: int,
) -> None:
    for kind, column in _COLUMNS.items():
        shown, reason = line[column], line["reason"]
        if shown not in {"yes", "no", "own"}:
            raise PolicyInvalid(f"line {number} of the policy has {column} {shown!r}; allowed: yes, no, own")
        if reason not in reasons and (reason or shown != "yes"):
            raise PolicyInvalid(f"line {number} of the policy has the reason {reason!r}; allowed: {', '.join(reasons)}")
        key = (kind, line["record"], field)
        if key in verdicts:
            raise PolicyInvalid(f"line {number} of the policy decides again about {field} of {line['record']}")
        verdicts[key] = Verdict(shown, reason)  # type: ignore[arg-type]  # checked above
