"""
Reduces a batch to observations. Each different value is observed once, so the cost does not grow with the number of
rows.

Great Expectations takes milliseconds for each expectation, however small the frame is. So the frame of a suite has one
column for each kind of requirement, and one line for each observation. An identifier is observed only as its form (each
letter and digit becomes `a`), so that no frame contains the identifier of a person.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from string import ascii_letters, digits
from typing import Any, TypeAlias

import msgspec
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from expectations.results import Coordinates
from streams.contracts import event_types
from streams.contracts.constraints import constraint
from streams.contracts.event import fact_name
from streams.contracts.fields import IDENTIFIER_PATTERN, SUBJECT_PATTERN
from streams.contracts.landing import landing_tables

__all__ = ["Observation", "by_fact", "distinct", "frame", "observe_contract"]

_FACTS = {fact_name(type_): struct for type_, struct in event_types().items()}
_COORDINATES = ("topic", "kafka_partition", "kafka_offset")
_ENVELOPE_CODES = ("topic", "change", "fact", "amendment_reason")

_ALPHANUMERIC = (ascii_letters + digits).encode()
_FORMS = bytes.maketrans(_ALPHANUMERIC, b"a" * len(_ALPHANUMERIC))

Column: TypeAlias = pa.ChunkedArray


@dataclass(frozen=True)
class Observation:
    """
    Something that occurs in a batch: a code, the form of an identifier, or the fact that a field is given or missing.

    An observation names the suite and column that validate it, and the fact and field that it is about. `coordinates`
    finds the records in which the observation was made.
    """

    suite: str
    column: str
    subject: str
    field: str
    value: object
    rows: pa.Table
    flags: Callable[[], Iterable[bool]]

    def coordinates(self) -> list[Coordinates]:
        """Return the coordinates of the records in which the observation was made."""
        places = zip(*(self.rows[name].to_pylist() for name in _COORDINATES), strict=True)
        return [place for place, seen in zip(places, self.flags(), strict=True) if seen]


def frame(observations: list[Observation]) -> pd.DataFrame:
    """
    Make a frame with one line for each observation. Its value is in the column that the observation names.

    The column `entry` contains the numbers of the lines.
    """
    columns = {seen.column for seen in observations}
    lines = {column: [seen.value if seen.column == column else None for seen in observations] for column in columns}
    return pd.DataFrame({"entry": range(len(observations)), **lines})


def observe_contract(batch: pa.Table) -> Iterator[Observation]:
    """Yield those observations of landed events for which the contract states a requirement."""
    yield from _envelope(batch)
    for fact, rows in by_fact(batch):
        yield from _fact(fact, rows)


def by_fact(batch: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """
    Yield each kind of fact in the batch with its rows. Facts without a contract are left out.

    The rows have the fields of the fact, and the coordinates of the record.
    """
    facts = batch["fact"].combine_chunks()
    for fact in set(distinct(batch["fact"])) & _FACTS.keys():
        columns = [*_COORDINATES, *_FACTS[fact].__struct_fields__]
        yield fact, batch.select(columns).take(pc.indices_nonzero(pc.equal(facts, fact)))


def distinct(column: Column) -> list[Any]:
    """Return the distinct values of a column. For a column of lists, return the distinct items of all lists."""
    return [value for value in pc.unique(_items(column)).to_pylist() if value is not None]


def _envelope(batch: pa.Table) -> Iterator[Observation]:
    for name, column in landing_tables()["events"].columns.items():
        if column.required and name in batch.column_names:
            yield from _presence("envelope", "envelope", name, batch)
    for name in _ENVELOPE_CODES:
        yield from _codes("envelope", "envelope", name, batch)
    yield from _forms("envelope", "authority_code", "envelope", "authority_code", batch)


def _fact(fact: str, rows: pa.Table) -> Iterator[Observation]:
    struct = _FACTS[fact]
    suite = struct.topic.removeprefix("caf.").removesuffix(".v1").replace("-", "_")
    for field in msgspec.structs.fields(struct):
        demand = constraint(field)
        if demand.required:
            yield from _presence(suite, fact, field.name, rows)
        if demand.values:
            yield from _codes(suite, fact, field.name, rows)
        elif demand.pattern:
            column = "identifier" if demand.pattern in {IDENTIFIER_PATTERN, SUBJECT_PATTERN} else field.name
            yield from _forms(suite, column, fact, field.name, rows)


def _presence(suite: str, subject: str, field: str, rows: pa.Table) -> Iterator[Observation]:
    empty = rows[field].null_count
    for state, count, flags in (("missing", empty, pc.is_null), ("given", len(rows) - empty, pc.is_valid)):
        if count:
            yield Observation(suite, "presence", subject, field, state, rows, _flags(rows[field], flags))


def _codes(suite: str, subject: str, field: str, rows: pa.Table) -> Iterator[Observation]:
    for code in distinct(rows[field]):
        flags = _flags(rows[field], _equal_to(code))
        yield Observation(suite, "code", subject, field, f"{field}={code}", rows, flags)


def _forms(suite: str, column: str, subject: str, field: str, rows: pa.Table) -> Iterator[Observation]:
    """Observe the forms of identifiers. Codes of places are observed as they are, because they identify no person."""
    observed = _form if column == "identifier" else _items
    for value in distinct(observed(_items(rows[field]))):
        flags = _flags(rows[field], _equal_to(value, observed))
        yield Observation(suite, column, subject, field, value, rows, flags)


def _form(values: Column | pa.Array) -> Column | pa.Array:
    if isinstance(values, pa.ChunkedArray):
        return pa.chunked_array([_form(chunk) for chunk in values.chunks], values.type)
    if values.null_count == len(values):
        return values
    # All texts of an array are stored in one buffer. One call translates the whole buffer, because no text changes its
    # length.
    validity, ends, characters = values.buffers()
    formed = pa.py_buffer(characters.to_pybytes().translate(_FORMS))
    return pa.Array.from_buffers(values.type, len(values), [validity, ends, formed], offset=values.offset)


def _items(column: Column) -> Column:
    return pc.list_flatten(column) if pa.types.is_list(column.type) else column


def _equal_to(value: object, observed: Callable[[Column], Column] = _items) -> Callable[[Column], Column]:
    """Return a function that says, for each item of a column, whether the item is observed as `value`."""
    return lambda items: pc.equal(observed(items), value)


def _flags(column: Column, judged: Callable[[Column], Column]) -> Callable[[], Iterable[bool]]:
    """
    Return a function that flags the rows with an observation.

    A row is flagged if `judged` is true for its value. If the value is a list, it is enough that `judged` is true for
    one item.
    """

    def flags() -> Iterable[bool]:
        if not pa.types.is_list(column.type) or judged in (pc.is_null, pc.is_valid):
            found: list[bool] = judged(column).to_pylist()
            return found
        lists = column.to_pylist()
        return [bool(items) and any(judged(pa.array(items)).to_pylist()) for items in lists]

    return flags
