"""The elements of one child's record, read one by one; what is missing or wrong is named by element and line."""

from collections.abc import Iterator
from datetime import date
from typing import TypeVar

from lxml import etree

from streams.contracts.codesets import Code
from streams.importers.cin_codes import INTRODUCED
from streams.importers.cin_file import name_of

__all__ = ["BadRecord", "Reader"]

C = TypeVar("C", bound=Code)

_YES_NO = {"0": False, "1": True, "false": False, "true": True}


class BadRecord(Exception):
    """Why a child's record cannot be imported; it carries no value of the record."""

    def __init__(self, line: int, element: str, reason: str) -> None:
        super().__init__(f"line {line}: {element}: {reason}")
        self.line, self.element, self.reason = line, element, reason


class Reader:
    """
    Access to an element's children by name.

    `year` decides which codes there were; `today` is the last day on which anything can have happened.

    Raises:
        BadRecord: from every method, for a child element that is missing, repeated or not of its type.
    """

    def __init__(self, element: etree._Element, year: int, today: date) -> None:
        self._element, self._year, self._today = element, year, today

    def each(self, name: str) -> "Iterator[Reader]":
        """The groups of this name, in order."""
        for element in self._named(name):
            yield Reader(element, self._year, self._today)

    def group(self, name: str) -> "Reader":
        """The one group of this name."""
        return Reader(self._required(self._one(name), name), self._year, self._today)

    def text(self, name: str) -> str:
        """A required text."""
        return self._required(self._text(name), name)

    def flag(self, name: str) -> bool:
        """A required yes or no."""
        text = self.text(name)
        if text not in _YES_NO:
            raise self._bad(name, f"allowed: {', '.join(_YES_NO)}")
        return _YES_NO[text]

    def day(self, name: str, *, ahead: bool = False) -> date | None:
        """An optional day, not after today unless it may lie ahead."""
        return self._day(self._one(name), name, ahead=ahead)

    def required_day(self, name: str) -> date:
        """A required day, not after today."""
        return self._required(self.day(name), name)

    def days(self, name: str) -> list[date]:
        """Days of a repeated element, each once."""
        found = (self._day(element, name, ahead=False) for element in self._named(name))
        return sorted({day for day in found if day is not None})

    def code(self, name: str, codes: type[C]) -> C | None:
        """An optional code of a list."""
        text = self._text(name)
        return None if text is None else self._code(text, name, codes)

    def codes(self, name: str, codes: type[C]) -> list[C]:
        """Codes of a repeated element, each once, in order."""
        found = (self._code(text, name, codes) for element in self._named(name) if (text := _content(element)))
        return list(dict.fromkeys(found))

    def lookup(self, name: str, values: dict[str, C]) -> C | None:
        """An optional code that stands for something else."""
        text = self._text(name)
        if text is not None and text not in values:
            raise self._bad(name, f"allowed: {', '.join(values)}")
        return None if text is None else values[text]

    def bad(self, name: str, reason: str) -> BadRecord:
        """The error to raise about the element of this name."""
        return self._bad(name, reason)

    def _code(self, text: str, name: str, codes: type[C]) -> C:
        allowed = {code.value: code for code in codes if INTRODUCED.get(code.value, 0) <= self._year}
        if text not in allowed:
            raise self._bad(name, f"allowed in {self._year}: {', '.join(allowed)}")
        return allowed[text]

    def _day(self, element: etree._Element | None, name: str, *, ahead: bool) -> date | None:
        text = None if element is None else _content(element)
        if text is None:
            return None
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise self._bad(name, "expected a date such as 2024-03-31") from None
        if not 1900 <= day.year <= 2199:
            raise self._bad(name, "expected a year from 1900 to 2199")
        if day > self._today and not ahead:
            raise self._bad(name, "the date is in the future")
        return day

    def _text(self, name: str) -> str | None:
        element = self._one(name)
        return None if element is None else _content(element)

    def _one(self, name: str) -> etree._Element | None:
        found = self._named(name)
        if len(found) > 1:
            raise self._bad(name, "given more than once")
        return found[0] if found else None

    def _named(self, name: str) -> list[etree._Element]:
        return [child for child in self._element if name_of(child) == name]

    def _required(self, value: object, name: str) -> object:
        if value is None:
            raise self._bad(name, "missing")
        return value

    def _bad(self, name: str, reason: str) -> BadRecord:
        named = self._named(name)
        return BadRecord((named[0] if named else self._element).sourceline, name, reason)


def _content(element: etree._Element) -> str | None:
    return (element.text or "").strip() or None
