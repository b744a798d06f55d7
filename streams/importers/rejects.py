"""Keep the records that an importer could not read, so that a person can correct them, and report the reasons."""

import json
import os
from datetime import UTC, datetime
from types import TracebackType
from typing import BinaryIO, Self

from lxml import etree

from streams.importers.cin_fields import Flaw
from streams.importers.cin_file import PART
from streams.private import write_privately
from streams.settings import Settings

__all__ = ["Rejects"]


class Rejects:
    """
    Writes the rejected children of one census file to another census file, which a person can correct and import.

    The file of rejected children holds personal data, so only its owner may read it. The report holds only lines,
    elements and reasons.
    """

    def __init__(self, settings: Settings, name: str, header: etree._Element) -> None:
        folder = settings.home / "imports"
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        stem = f"{name}-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
        self.records_path = folder / f"{stem}.rejects.xml"
        self.report_path = folder / f"{stem}.report.json"
        self.rejected: list[Flaw] = []
        self.left_out: list[Flaw] = []
        """Flaws in children that were imported. The wrong elements were left out."""
        self._header = etree.tostring(header, with_tail=False)
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.write(b"</Children></Message>\n")
            self._file.close()

    def keep(self, child: etree._Element, flaw: Flaw) -> None:
        """Write a rejected child's record to the file, and keep the reason for the report."""
        if self._file is None:
            self._file = os.fdopen(os.open(self.records_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
            # The file is marked as containing only a part of a return. So if somebody imports it as a resubmission, it
            # does not replace the whole year.
            self._file.write(f'<Message {PART}="rejected">'.encode() + self._header + b"<Children>\n")
        self._file.write(etree.tostring(child, with_tail=False) + b"\n")
        self.rejected.append(flaw)

    def report(self, facts: dict[str, object]) -> None:
        """Write the report: the given facts, and every rejected child and flaw with its line, element and reason."""
        flaws = {
            "rejects": [flaw._asdict() for flaw in self.rejected],
            "left_out": [flaw._asdict() for flaw in self.left_out],
        }
        write_privately(self.report_path, json.dumps(facts | flaws, indent=2) + "\n")
