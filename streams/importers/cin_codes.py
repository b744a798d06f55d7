"""
Codes of the census by collection year, and the DfE numbers of authorities.

The codes are taken from the DfE's schemas of 2017 to 2026 (`CIN_schema_<year>.xsd`).
"""

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Final

from streams.contracts.codesets import Sex
from streams.errors import ImportFileInvalid

__all__ = ["INTRODUCED", "SEXES", "SOURCE_REQUIRED_FROM", "YEARS", "Authority", "authority"]

YEARS: Final = range(2017, 2027)
"""Collection years whose schemas are known."""

SOURCE_REQUIRED_FROM: Final = date(2013, 4, 1)
"""First day from which a referral must have a source (the DfE's rule 8866)."""

INTRODUCED: Final = {
    "5D": 2023,
    "RC9": 2023,
    "18B": 2021,
    "18C": 2021,
    "19B": 2021,
    "19C": 2021,
    "24A": 2022,
}
"""
The codes that the schema of 2017 did not have, each with its first collection year. No later schema has removed a code.
"""

SEXES: Final = {
    "1": Sex.MALE,
    "2": Sex.FEMALE,
    "0": Sex.UNKNOWN,
    "9": Sex.UNKNOWN,
    "M": Sex.MALE,
    "F": Sex.FEMALE,
    "U": Sex.UNKNOWN,
}
"""
Codes for a person's sex. `GenderCurrent` (until 2024) uses digits, and `Sex` (from 2025) uses letters. Some files mix
digits and letters. This causes no confusion, because every code has only one meaning.
"""

_AUTHORITIES = Path(__file__).with_name("local_authorities.csv")
"""Authorities that returned a census in any year from 2013 to 2024, by DfE number (DfE table c1, OGL v3)."""


@dataclass(frozen=True)
class Authority:
    """
    An authority's present GSS code, and the two codes from which its children's ids are made.

    The codes in ids never change. A council that gets a new GSS code or DfE number keeps its `ids_lea` and `ids_gss`. A
    council that took over the numbering of an earlier council uses the earlier council's codes.
    """

    gss_code: str
    ids_lea: str
    ids_gss: str


def authority(lea: str) -> Authority:
    """
    Look up the authority with the DfE number `lea`.

    Raises:
        ImportFileInvalid: no authority has this number.
    """
    try:
        return _by_lea()[lea]
    except KeyError:
        raise ImportFileInvalid(f"the file's LEA is {lea[:40]!r}; allowed: the DfE number of an authority") from None


@cache
def _by_lea() -> dict[str, Authority]:
    with _AUTHORITIES.open(encoding="utf-8", newline="") as file:
        return {
            row["lea_code"]: Authority(row["gss_code"], row["ids_lea"], row["ids_gss"]) for row in csv.DictReader(file)
        }
