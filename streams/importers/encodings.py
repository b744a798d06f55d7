"""Find the encoding of a file from its bytes, because the encoding that the file declares is often wrong."""

import codecs
from pathlib import Path

__all__ = ["archive_of", "encoding_of", "text_of"]

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""Byte order marks. Longer marks come first, because one mark may be the beginning of another."""

_ARCHIVES = {b"PK\x03\x04": "a zip archive or a workbook", b"\x1f\x8b": "a gzip archive", b"%PDF": "a PDF"}


def archive_of(first: bytes) -> str | None:
    """Return the kind of file if its first bytes show an archive, a workbook or a PDF; otherwise None."""
    return next((what for beginning, what in _ARCHIVES.items() if first.startswith(beginning)), None)


def encoding_of(first: bytes, otherwise: str = "utf-8") -> str:
    """
    Find the encoding of a text from its first bytes. The text must begin with an ASCII character.

    If the bytes do not show the encoding, the result is `otherwise`. The caller should decode the text with
    `errors="windows_1252"`.
    """
    for mark, encoding in _MARKS:
        if first.startswith(mark):
            return encoding
    zeros = [byte == 0 for byte in first[:4]]
    by_zeros: dict[tuple[bool, ...], str] = {
        (False, True, True, True): "utf-32-le",
        (True, True, True, False): "utf-32-be",
        (False, True, False, True): "utf-16-le",
        (True, False, True, False): "utf-16-be",
    }
    return by_zeros.get(tuple(zeros), otherwise)


def text_of(path: Path) -> str:
    """Read the whole text of a file. Bytes that are not valid UTF-8 are read as Windows-1252."""
    content = path.read_bytes()
    return content.decode(encoding_of(content), errors="windows_1252")


def _windows_1252(error: UnicodeError) -> tuple[str, int]:
    """Decode invalid UTF-8 as Windows-1252. Bytes that are also invalid in Windows-1252 become U+FFFD."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return (wrong.decode("cp1252", "replace") if error.encoding == "utf-8" else "\ufffd"), error.end


codecs.register_error("windows_1252", _windows_1252)
