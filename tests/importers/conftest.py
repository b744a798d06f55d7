"""Make census files for tests, and read them."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest

from streams.contracts import Accepted, decode
from streams.importers.cin_messages import Message, recorded
from streams.importers.cin_xml import Child, Imported, read_cin_xml
from streams.settings import Settings

HEADER = """<Header><CollectionDetails><Collection>CIN</Collection><Year>{year}</Year>
<ReferenceDate>{year}-03-31</ReferenceDate></CollectionDetails>
<Source><LEA>{lea}</LEA><DateTime>{extracted}</DateTime></Source></Header>"""

EPISODE = """<CINdetails>
<CINreferralDate>{referred}</CINreferralDate><ReferralSource>{source}</ReferralSource>
<PrimaryNeedCode>N1</PrimaryNeedCode>
{inside}
<ReferralNFA>{nfa}</ReferralNFA></CINdetails>"""

CHILD = """<Child><ChildIdentifiers><LAchildID>{id}</LAchildID><PersonBirthDate>2015-03-27</PersonBirthDate>
{sex}</ChildIdentifiers>
<ChildCharacteristics><Ethnicity>WBRI</Ethnicity></ChildCharacteristics>
{episodes}</Child>"""


def episode(*, referred: str = "2023-10-06", source: str = "6", nfa: str = "0", inside: str = "") -> str:
    return EPISODE.format(referred=referred, source=source, nfa=nfa, inside=inside)


def child(*episodes: str, local_id: str = "X1", sex: str = "<GenderCurrent>2</GenderCurrent>") -> str:
    return CHILD.format(id=local_id, sex=sex, episodes="".join(episodes or (episode(),)))


def census(*children: str, year: int = 2024, lea: str = "344", extracted: str = "2024-05-01T09:00:00") -> str:
    header = HEADER.format(year=year, lea=lea, extracted=extracted)
    return f"<Message>{header}\n<Children>\n{''.join(children)}\n</Children></Message>"


class Run:
    """
    Reads a file as the first return of its year, and keeps each event as it was sent and as the contract accepts
    it.
    """

    def __init__(self, home: Path) -> None:
        self.settings = Settings(home=home)
        self.file = home / "census.xml"
        self.sent: list[Message] = []
        self.done: Imported | None = None

    def __call__(self, text: str | bytes, **options: object) -> list[Accepted]:
        self.file.write_bytes(text if isinstance(text, bytes) else text.encode())
        self.sent = []
        options = {"today": date(2026, 11, 20)} | options
        self.done = read_cin_xml(self.settings, self.file, self._take, **options)
        return [accepted(message) for message in self.sent]

    def _take(self, child: Child) -> None:
        self.sent += [recorded(told, child.header) for told in child.statements]


def accepted(message: Message) -> Accepted:
    found = decode(
        SimpleNamespace(
            topic=message.topic,
            partition=0,
            offset=0,
            timestamp=0,
            key=message.key,
            value=message.value,
            headers=[],
        )
    )
    assert isinstance(found, Accepted), found
    return found


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., list[Accepted]]]:
    return Run(tmp_path)


@pytest.fixture
def write() -> SimpleNamespace:
    return SimpleNamespace(census=census, child=child, episode=episode)
