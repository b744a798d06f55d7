"""
Read a children-in-need census file of any size, child by child.

The file comes from outside. The parser therefore expands no entities, accepts no document type, uses no network, and
limits the size of a child.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import BinaryIO

from lxml import etree

from streams.errors import ImportFileInvalid
from streams.importers.cin_codes import YEARS, Authority, authority
from streams.importers.encoding import utf_8_chunks
from streams.importers.xsd import collapsed, day_of

__all__ = ["MAX_CHILD_BYTES", "PART", "CinFile", "Header", "header_of", "name_of"]

MAX_CHILD_BYTES = 1_048_576
"""
The highest allowed number of bytes for one child, counted from the end of the child before it. Even the longest real
records have only some tens of kilobytes.
"""

PART = "part"
"""
The attribute of `Message` that marks a file as containing only some children of a return. The file of rejected children
has this attribute.
"""

_PARENTS = {"Header": "Message", "Child": "Children"}


@dataclass(frozen=True)
class Header:
    """The content of a file's header."""

    year: int
    """Collection year: 2024 is 1 April 2023 to 31 March 2024."""
    lea: str
    """DfE number of the authority."""
    authority: Authority
    is_part: bool = False
    """Whether the file is marked as containing only some children of a return."""

    @property
    def reference_date(self) -> date:
        """Last day of the collection."""
        return date(self.year, 3, 31)

    @property
    def first_day(self) -> date:
        """First day of the collection."""
        return date(self.year - 1, 4, 1)


class CinFile:
    """
    Reads an opened file: first its header, then its children in order.

    Finish with each child before you ask for the next one, because asking for the next child frees the memory of the
    child before it.

    Raises:
        ImportFileInvalid: the file is not a children-in-need census of a known year and authority, is not well-formed,
            declares a document type, ends early, or contains a child above `MAX_CHILD_BYTES`.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.bytes_read = 0
        self.line = 1
        self._chunks = utf_8_chunks(file)
        self._since_child = 0
        self._parser = etree.XMLPullParser(
            events=("start", "end"),
            tag=("{*}Message", "{*}Header", "{*}Child"),
            encoding="utf-8",
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        self._elements = self._ended()
        self.header_element = next(self._elements, None)
        if self.header_element is None or name_of(self.header_element) != "Header":
            raise ImportFileInvalid("the file has no Header before its children; expected a CIN census Message")
        self.header = _header(self.header_element)

    def __iter__(self) -> Iterator[etree._Element]:
        for child in self._elements:
            if name_of(child) == "Child":
                yield child
            child.clear()
            while child.getprevious() is not None:
                del child.getparent()[0]

    def _ended(self) -> Iterator[etree._Element]:
        """Yield each header and child as soon as the parser has read it to its end."""
        first = True
        for event, element in self._events():
            if first:
                _check_root(element)
                first = False
            parent = element.getparent()
            if event == "end" and parent is not None and name_of(parent) == _PARENTS.get(name_of(element)):
                self._since_child = 0
                self.line = element.sourceline
                yield element

    def _events(self) -> Iterator[tuple[str, etree._Element]]:
        try:
            for read, chunk in self._chunks:
                self.bytes_read += read
                self._since_child += len(chunk)
                self._parser.feed(chunk)
                yield from self._parser.read_events()
                if self._since_child > MAX_CHILD_BYTES:
                    raise ImportFileInvalid(f"after line {self.line} a child is longer than {MAX_CHILD_BYTES} bytes")
            self._parser.close()
        except etree.XMLSyntaxError as error:
            raise ImportFileInvalid(f"the file is not well-formed XML at line {error.lineno or self.line}") from None


def name_of(element: etree._Element) -> str:
    """Return an element's name without its namespace. A prefix that the file does not declare is removed as well."""
    return element.tag.rpartition("}")[2].rpartition(":")[2] if isinstance(element.tag, str) else ""


def _check_root(element: etree._Element) -> None:
    if element.getroottree().docinfo.internalDTD is not None:
        raise ImportFileInvalid("the file declares a document type; a CIN census has none")
    if name_of(element) != "Message" or element.getparent() is not None:
        raise ImportFileInvalid(f"the file begins with {name_of(element)[:40]}; expected a CIN census Message")


def header_of(path: Path) -> Header:
    """
    Read a file's header without reading its children.

    Raises:
        ImportFileInvalid: the file is not a census of a known year and authority.
    """
    with path.open("rb") as opened:
        return CinFile(opened).header


def _header(element: etree._Element) -> Header:
    if (collection := _text(element, "CollectionDetails", "Collection")) != "CIN":
        raise ImportFileInvalid(f"the file's Collection is {collection!r}; allowed: CIN")
    year = _text(element, "CollectionDetails", "Year")
    if year not in map(str, YEARS):
        raise ImportFileInvalid(f"the file's Year is {year!r}; allowed: {YEARS[0]} to {YEARS[-1]}")
    lea = _text(element, "Source", "LEA")
    header = Header(int(year), lea, authority(lea), element.getparent().get(PART) is not None)
    reference_date = _text(element, "CollectionDetails", "ReferenceDate")
    if day_of(reference_date) != header.reference_date:
        raise ImportFileInvalid(
            f"the file's ReferenceDate is {reference_date!r}; "
            f"allowed for Year {year}: {header.reference_date}, the last day of its collection"
        )
    return header


def _text(element: etree._Element, *path: str) -> str:
    """Read a text of the header. The text is cut to 40 characters, so that it fits into a message."""
    return collapsed(element.findtext("/".join(f"{{*}}{name}" for name in path)) or "")[:40]
