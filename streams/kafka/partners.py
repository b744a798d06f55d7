"""
The partners that send events over Kafka: the table `partners.csv`, or the file that the setting `partners` names.

Each partner logs in under its own name, writes to an inbound topic of its own, and may use only its own sources.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from streams import names
from streams.edited_table import edited_table
from streams.errors import PartnersInvalid
from streams.settings import Settings

__all__ = ["FILE", "Partner", "partners", "partners_if_valid"]

FILE = Path(__file__).with_name("partners.csv")

_COLUMNS = ["partner", "sources", "who"]
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 60
_SOURCE = re.compile(r"[!-~]{1,128}")


@dataclass(frozen=True)
class Partner:
    """One line of the table: the partner's name at the broker, and the CloudEvents sources that it may use."""

    name: str
    sources: tuple[str, ...]
    who: str

    @property
    def topic(self) -> str:
        """The inbound topic of the partner."""
        return f"{names.INBOUND_PREFIX}{self.name}.v1"


def partners(settings: Settings) -> tuple[Partner, ...]:
    """
    Return all lines of the table, as it is now.

    Raises:
        PartnersInvalid: the file cannot be read, or a line has a value that is not allowed.
    """
    file = Path(settings.partners) if settings.partners else FILE
    found: list[Partner] = []
    for where, row in edited_table(file, _COLUMNS, PartnersInvalid, "CAF_PARTNERS"):
        found.append(_partner(row, found, where))
    return tuple(found)


def partners_if_valid(settings: Settings) -> tuple[Partner, ...] | None:
    """Return all lines of the table; None if it is not valid, for parts that must go on even then."""
    try:
        return partners(settings)
    except PartnersInvalid:
        return None


def _partner(row: dict[str, str], others: list[Partner], where: str) -> Partner:
    name, sources = row["partner"].strip(), tuple(row["sources"].split())
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        allowed = f"at most {_LONGEST_NAME} small letters, digits and single hyphens, as in north-police"
        raise PartnersInvalid(f"{where}: {name!r}; allowed: {allowed}")
    if name in {one.name for one in others}:
        raise PartnersInvalid(f"{where}: {name!r} has two lines; put all its sources into one, with blanks between")
    if not sources:
        raise PartnersInvalid(f"{where}: {name!r} has no source; allowed: one or more, with blanks between")
    for source in sources:
        if not _SOURCE.fullmatch(source):
            raise PartnersInvalid(f"{where}: {source!r}; allowed: a URI of at most 128 printable ASCII characters")
        if owner := next((one.name for one in others if source in one.sources), None):
            raise PartnersInvalid(f"{where}: {source!r} belongs to {owner!r} already; a source has one partner")
    return Partner(name, sources, row["who"].strip())
