"""
Read an XML file from outside as UTF-8, whatever encoding the file declares.

Some systems declare UTF-16 but write UTF-8, or declare UTF-8 but write Windows-1252. So the bytes decide. The declared
encoding is used only if the bytes do not show the encoding.
"""

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from streams.errors import ImportFileInvalid
from streams.importers.encodings import archive_of, encoding_of

__all__ = ["utf_8_chunks"]

_CHUNK_BYTES = 65_536

_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)")
_BELIEVED = {"iso8859-1", "iso8859-15", "cp1252"}
"""
The declared encodings that are believed. They use one byte for each character. If a file declares any other encoding,
either the file is in UTF-8 or the declaration is wrong.
"""


def utf_8_chunks(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """
    Yield the file in pieces. Each piece is a pair: the number of bytes that were read, and their text in UTF-8.

    White space before the first element is left out. Bytes that are not valid UTF-8 are read as Windows-1252.

    Raises:
        ImportFileInvalid: the file is empty, is an archive, or does not begin as XML does.
    """
    first = file.read(_CHUNK_BYTES)
    decoder = codecs.getincrementaldecoder(_encoding(first))(errors="windows_1252")
    yield len(first), _beginning(decoder.decode(first)).encode()
    while chunk := file.read(_CHUNK_BYTES):
        yield len(chunk), decoder.decode(chunk).encode()
    yield 0, decoder.decode(b"", final=True).encode()


def _encoding(first: bytes) -> str:
    if archive := archive_of(first):
        raise ImportFileInvalid(f"the file is {archive}, not well-formed XML; expected the XML file itself")
    declared = _DECLARED.search(first[:1024])
    try:
        name = codecs.lookup(declared[1].decode()).name if declared else "utf-8"
    except LookupError:
        name = "utf-8"
    return encoding_of(first, name if name in _BELIEVED else "utf-8")


def _beginning(text: str) -> str:
    text = text.lstrip("\ufeff\0 \t\r\n")
    if not text:
        raise ImportFileInvalid("the file is empty, so it is not well-formed XML")
    if not text.startswith("<"):
        raise ImportFileInvalid("the file is not well-formed XML at line 1; expected a CIN census Message")
    return text
