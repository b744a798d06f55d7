"""
Let a record through whose header names are not UTF-8.

kafka-python decodes header names strictly and raises from `poll`, at the same record for ever: one such record would
block its partition. Here the undecodable bytes of a name become lone surrogates, and the record is judged like any
other.
"""

from kafka.record.default_records import DefaultRecordBatch

from streams.kafka.header_name import HeaderName

__all__ = ["read_any_header"]

_read = DefaultRecordBatch._read_msg


class _Lenient(bytearray):
    """A buffer whose slices decode without failing."""

    def __getitem__(self, index: int | slice) -> "int | _Lenient":
        found = super().__getitem__(index)
        return _Lenient(found) if isinstance(index, slice) else found

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:  # noqa: ARG002
        return HeaderName(super().decode(encoding, "surrogateescape"))


def read_any_header() -> None:
    """Make kafka-python's reader lenient about header names; safe to repeat."""
    DefaultRecordBatch._read_msg = _read_leniently


def _read_leniently(batch: DefaultRecordBatch) -> object:
    try:
        return _read(batch)
    except UnicodeDecodeError:
        batch._buffer = _Lenient(batch._buffer)
        return _read(batch)
