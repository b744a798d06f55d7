"""Random rows with columns of every type that rules read. The rows contain values on which databases differ."""

import random
from datetime import UTC, date, datetime, time, timedelta

import pyarrow as pa

__all__ = ["COLUMNS", "rows"]

COLUMNS = {
    "id": pa.int64(),
    "grp": pa.int32(),
    "i": pa.int32(),
    "j": pa.int32(),
    "b": pa.int64(),
    "k": pa.bool_(),
    "s": pa.string(),
    "r": pa.string(),
    "d": pa.date32(),
    "m": pa.timestamp("us"),
    "n": pa.timestamp("us"),
    "t": pa.time64("us"),
    "u": pa.time64("us"),
    "l": pa.list_(pa.string()),
    "li": pa.list_(pa.int32()),
}

_TEXTS = (
    "",
    "a",
    "A",
    "ä",
    "Ä",
    "b",
    "B",
    "aa",
    "Zz",
    "z",
    "é",
    "e\u0301",
    "ß",
    "İ",
    "\u0131",
    "Σ",
    "ς",
    "日本",
    "🏠",
    "ﬀ",
)
_MORE = ("a b", "a_b", "o'k", "\\", "%", "x/y", "x/y/z", "/", "source:6", "F-1", "F-10", "F-2", "1A", "\u00ad", "\t\n")
_DATES = [
    date(2024, 2, 29),
    date(2023, 2, 28),
    date(2023, 12, 31),
    date(2024, 1, 31),
    date(2024, 3, 31),
    date(2025, 8, 31),
    date(2000, 2, 29),
    date(1900, 2, 28),
    date(1999, 11, 30),
    date(2040, 12, 31),
    date(999, 1, 5),
]
_CHANGES = [
    datetime.fromisoformat(f"{day}T01:00:00") for day in ("2025-03-30", "2025-10-26", "2024-03-31", "1970-01-01")
]
_STEP = timedelta(microseconds=1)


def rows(seed: int, size: int = 120) -> pa.Table:
    """
    A table of `COLUMNS`. The table has few groups and values, so every column has ties, duplicates and missing values.
    """
    chance = random.Random(seed)
    listed = [_row(chance, number) for number in range(size)]
    return pa.table({name: pa.array([row[name] for row in listed], type_) for name, type_ in COLUMNS.items()})


def _row(chance: random.Random, number: int) -> dict[str, object]:
    def maybe(value: object) -> object:
        return None if chance.random() < 0.2 else value

    def text() -> str:
        return chance.choice(_TEXTS + _MORE)

    return {
        "id": number,
        "grp": maybe(chance.randrange(4)),
        "i": maybe(chance.choice((-7, -1, 0, 1, 2, 2, 3, 18, 2**31 - 100))),
        "j": maybe(chance.choice((-2, -1, 0, 1, 2, 3, 5))),
        "b": maybe(chance.choice((-(2**62), -1, 0, 1, 32_400_000_000, 2**40, 2**62))),
        "k": maybe(chance.random() < 0.5),
        "s": maybe(text()),
        "r": maybe(text()),
        "d": maybe(chance.choice(_DATES)),
        "m": maybe(_moment(chance)),
        "n": maybe(_moment(chance)),
        "t": maybe(chance.choice((time(0), time(8, 45), time(23, 59, 59, 999_999), time(12, 0, 0, 1)))),
        "u": maybe(chance.choice((time(0), time(17), time(9, 30)))),
        "l": maybe([maybe(text()) for _ in range(chance.randrange(4))]),
        "li": maybe([maybe(chance.randrange(-2, 3)) for _ in range(chance.randrange(4))]),
    }


def _moment(chance: random.Random) -> datetime:
    """A time around the hours at which clocks change, at the end of a month, or at any moment."""
    if chance.random() < 0.5:
        return (
            chance.choice(_CHANGES) + chance.randrange(-4, 5) * timedelta(minutes=30) + chance.randrange(-1, 2) * _STEP
        )
    if chance.random() < 0.5:
        return datetime.combine(chance.choice(_DATES), time(23, 59, 59, 999_999)) + chance.randrange(2) * _STEP
    return datetime.fromtimestamp(chance.randrange(-(10**9), 3 * 10**9), UTC).replace(tzinfo=None)
