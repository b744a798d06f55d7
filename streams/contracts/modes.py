"""
Convert every form in which CloudEvents travel over Kafka to structured JSON. This JSON is validated and kept.

- Structured: the value is the event.
- Binary: the value is the event's data, and the event's attributes are headers. The lake keeps only values, so a binary
  record is rewritten as structured JSON, with its data byte for byte.
- Batch: the value is an array of events. Each event is sent as a record of its own (`streams.contracts.batches`).

Source: https://github.com/cloudevents/spec, Kafka protocol binding v1.0.2.
"""

import binascii
from base64 import b64decode
from collections.abc import Sequence

import msgspec

from streams.contracts.checks import UNPARSED, Reason, Refusal, readable
from streams.contracts.mend import Members

__all__ = ["CONTENT_TYPE", "STRUCTURED", "Headers", "structured", "trimmed", "with_data"]

CONTENT_TYPE = "content-type"
"""Header that names the media type of the value."""

STRUCTURED = b"application/cloudevents"
"""Beginning of the media type of a value that holds a whole event or a batch of events."""

Headers = Sequence[tuple[str, bytes | None]]
"""Headers of a Kafka record, as names and values. The value is None if a header has none."""

_ATTRIBUTE = "ce_"
_MARKS = {
    b"\xef\xbb\xbf": "UTF-8",
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
"""Byte order marks. Longer marks come first, because some of them begin with a shorter mark."""
_BLANK = b" \t\r\n\0"
_DATA = msgspec.json.Decoder(msgspec.Raw)
_NO_TEXT = frozenset({"backfill"})
"""Attributes that are not text in JSON."""
_BOOLEANS = {"true": b"true", "True": b"true", "false": b"false", "False": b"false"}
"""Spellings of booleans in headers. The Python SDK uses a capital letter."""
_NO_ATTRIBUTES = frozenset({"data", "data_base64"})


def structured(value: bytes, headers: Headers) -> bytes:
    """
    Return a record's event, or its array of events, as JSON.

    Raises:
        Refusal: there is no value, its byte order mark is not that of UTF-8, or the headers are not valid attributes.
    """
    value = trimmed(value)
    if not value:
        raise Refusal(Reason.NOT_JSON, allowed="a CloudEvents 1.0 JSON object")
    if any(name.lower().startswith(_ATTRIBUTE) for name, _ in headers or ()):
        media_type = next((text for name, text in headers if name.lower() == CONTENT_TYPE and text), b"")
        if not media_type.strip().lower().startswith(STRUCTURED):
            return _from_binary(headers, media_type, value)
    return value


def with_data(members: Members) -> Members:
    """
    Return an event's members with its `data`. If the data were sent as `data_base64`, decode them.

    Raises:
        Refusal: `data_base64` is not base64 of JSON.
    """
    if bytes(members.get("data", b"null")) != b"null" or "data_base64" not in members:
        return members
    try:
        data = trimmed(b64decode(msgspec.json.decode(members["data_base64"], type=str), validate=True))
        readable(data)
        return members | {"data": _DATA.decode(data)}
    except (*UNPARSED, binascii.Error, ValueError, Refusal):
        raise Refusal(Reason.ENVELOPE, "$.data_base64", "the JSON object of `data` in base64") from None


def trimmed(value: bytes) -> bytes:
    """
    Return a value without its byte order mark, and without the blanks and zeros that some programs add at the end.

    Raises:
        Refusal: its byte order mark is not that of UTF-8.
    """
    for mark, encoding in _MARKS.items():
        if value.startswith(mark):
            if encoding != "UTF-8":
                raise Refusal(Reason.NOT_JSON, allowed=f"JSON in UTF-8; by its byte order mark this is {encoding}")
            value = value.removeprefix(mark)
            break
    return value.strip(_BLANK[:-1]).rstrip(_BLANK)


def _from_binary(headers: Headers, media_type: bytes, data: bytes) -> bytes:
    attributes: dict[str, str] = {}
    for header, text in headers:
        name = header.lower().removeprefix(_ATTRIBUTE)
        if len(name) == len(header) or name in _NO_ATTRIBUTES:
            continue
        if name in attributes:
            raise Refusal(Reason.ENVELOPE, f"$.{name}", "one header for each attribute")
        attributes[name] = _text(text, f"$.{name}")
    if media_type:
        attributes["datacontenttype"] = _text(media_type, "$.datacontenttype")
    try:
        _DATA.decode(data)  # exactly one JSON value, because text after it could add attributes
    except UNPARSED:
        raise Refusal(Reason.NOT_JSON, "$.data", "JSON in UTF-8") from None
    members = [b"%s:%s" % (msgspec.json.encode(name), _json(name, text)) for name, text in attributes.items()]
    return b"{%s}" % b",".join([*members, b'"data":' + data])


def _text(value: bytes | None, path: str) -> str:
    try:
        return (value or b"").decode()
    except UnicodeDecodeError:
        raise Refusal(Reason.ENVELOPE, path, "text in UTF-8") from None


def _json(name: str, text: str) -> bytes:
    if name in _NO_TEXT and text in _BOOLEANS:
        return _BOOLEANS[text]
    return msgspec.json.encode(text)
