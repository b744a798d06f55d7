"""
Read the elements of one child's record.

If an essential element is missing or wrong, the child is rejected. Any other element that is wrong is left out, and its
name and line are recorded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import NamedTuple, TypeVar

from lxml import etree

from streams.contracts.codesets import Code
from streams.importers.cin_codes import INTRODUCED
from streams.importers.cin_file import name_of
from streams.importers.xsd import collapsed, day_of

__all__ = ["BadRecord", "Flaw", "Reader"]

C = TypeVar("C", bound=Code)
V = TypeVar("V")

_YES_NO = {"0": False, "1": True, "false": False, "true": True}


class Flaw(NamedTuple):
    """What is wrong with an element, with the element's name and line. A flaw contains no data from the record."""

    line: int
    element: str
    reason: str


class BadRecord(Exception):
    """A child's record cannot be imported. `flaw` says why."""

    def __init__(self, flaw: Flaw) -> None:
        super().__init__(f"line {flaw.line}: {flaw.element}: {flaw.reason}")
        self.flaw = flaw


@dataclass(frozen=True)
class Reader:
    """
    Reads the contents of an XML element by name. If several elements have the same name, they are read as if they were
    one.

    `year` decides which codes are allowed. Days after `last_day` are refused. A value that cannot be read is returned
    as None, and the reason is added to `flaws`.
    """

    elements: Sequence[etree._Element]
    year: int
    last_day: date
    line: int
    flaws: list[Flaw] = field(default_factory=list)

    def each(self, name: str) -> "Iterator[Reader]":
        """Yield the groups of this name in order. A group that repeats the content of an earlier group is left out."""
        seen = set()
        for element in self._named(name):
            content = tuple((one.tag, collapsed(one.text or "")) for one in element.iter())
            if content in seen:
                self.flaws.append(Flaw(element.sourceline, name, "repeats an earlier one"))
                continue
            seen.add(content)
            yield replace(self, elements=[element], line=element.sourceline)

    def group(self, name: str) -> "Reader":
        """Read all groups of this name as one group. The result is empty if the record has no such group."""
        found = self._named(name)
        return replace(self, elements=found, line=found[0].sourceline if found else self.line)

    def text(self, name: str) -> str | None:
        """Read a text. The record may contain the text several times, but it must be the same each time."""
        found = {text: element for element in reversed(self._named(name)) if (text := _content(element))}
        if len(found) > 1:
            self.without(name, "given more than once")
            return None
        return next(iter(found), None)

    def required_text(self, name: str) -> str:
        """
        Read an essential text.

        Raises:
            BadRecord: the text is missing, or is given several times with different contents.
        """
        before = len(self.flaws)
        text = self.text(name)
        if text is None:
            raise BadRecord(self.flaws.pop()) if len(self.flaws) > before else self.bad(name, "missing")
        return text

    def flag(self, name: str) -> bool | None:
        """Read an element that says yes or no."""
        return self._looked_up(name, _YES_NO, ", ".join(_YES_NO))

    def day(self, name: str, *, ahead: bool = False) -> date | None:
        """Read a day. A day after `last_day` is allowed only if `ahead` is true."""
        text = self.text(name)
        return None if text is None else self._day(text, name, ahead=ahead)

    def needed_day(self, name: str) -> date | None:
        """Read a day that its group needs. If the result is None, the caller leaves the whole group out."""
        before = len(self.flaws)
        day = self.day(name)
        if day is None and len(self.flaws) == before:
            self.without(name, "missing: nothing of its group is sent")
            return None
        return day

    def has(self, name: str) -> bool:
        """Return whether the record has a group of this name."""
        return bool(self._named(name))

    def days(self, name: str) -> list[date]:
        """Read the days of a repeated element in order, without repetitions."""
        found = (self._day(text, name) for element in self._named(name) if (text := _content(element)))
        return sorted({day for day in found if day is not None})

    def code(self, name: str, codes: type[C]) -> C | None:
        """Read a code from the list `codes`."""
        text = self.text(name)
        return None if text is None else self._code(text, name, codes)

    def codes(self, name: str, codes: type[C]) -> list[C]:
        """Read the codes of a repeated element in order, without repetitions."""
        found = (self._code(text, name, codes) for element in self._named(name) if (text := _content(element)))
        return list(dict.fromkeys(code for code in found if code is not None))

    def lookup(self, name: str, values: dict[str, V]) -> V | None:
        """Read a code, and return the value that it stands for."""
        return self._looked_up(name, values, ", ".join(values))

    def without(self, name: str, reason: str) -> None:
        """Record that an element is left out, and the reason."""
        self.flaws.append(self._flaw(name, reason))

    def bad(self, name: str, reason: str) -> BadRecord:
        """Return the error for an element of this name. The caller raises it."""
        return BadRecord(self._flaw(name, reason))

    def _looked_up(self, name: str, values: dict[str, V], allowed: str) -> V | None:
        text = self.text(name)
        if text is None:
            return None
        if text not in values:
            self.without(name, f"allowed: {allowed}")
            return None
        return values[text]

    def _code(self, text: str, name: str, codes: type[C]) -> C | None:
        allowed = {code.value: code for code in codes if INTRODUCED.get(code.value, 0) <= self.year}
        if text not in allowed:
            self.without(name, f"allowed in {self.year}: {', '.join(allowed)}")
            return None
        return allowed[text]

    def _day(self, text: str, name: str, *, ahead: bool = False) -> date | None:
        day = day_of(text)
        if day is None:
            self.without(name, "expected a date such as 2024-03-31")
            return None
        if not 1900 <= day.year <= 2199:
            self.without(name, "expected a year from 1900 to 2199")
            return None
        if day > self.last_day and not ahead:
            self.without(name, "the date is in the future, or after the last day of the collection")
            return None
        return day

    def _named(self, name: str) -> list[etree._Element]:
        return [child for element in self.elements for child in element if name_of(child) == name]

    def _flaw(self, name: str, reason: str) -> Flaw:
        named = self._named(name)
        return Flaw(named[0].sourceline if named else self.line, name, reason)


def _content(element: etree._Element) -> str | None:
    return collapsed(element.text or "") or None
