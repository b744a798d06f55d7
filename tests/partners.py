"""Two partners on the broker of the tests, and the events that they send."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from streams.kafka.partners import Partner, partners
from streams.kafka.topics import ensure_topics
from streams.settings import Settings
from streams.stack import broker
from tests.contracts.messages import contact as message

__all__ = ["POLICE", "SCHOOL", "admitted", "contact"]

POLICE = Partner("north-police", ("/north/police", "/north/custody"), "Records system")
SCHOOL = Partner("south-school", ("/south/school",), "School office")


@contextmanager
def admitted(settings: Settings, folder: Path) -> Iterator[Settings]:
    """Let both partners use the broker, and remove them again."""
    file = folder / "partners.csv"
    lines = [f"{one.name},{' '.join(one.sources)},{one.who}\n" for one in (POLICE, SCHOOL)]
    file.write_text("partner,sources,who\n" + "".join(lines))
    own = replace(settings, partners=str(file))
    assert partners(own) == (POLICE, SCHOOL)
    broker.start(own)
    ensure_topics(own)
    try:
        yield own
    finally:
        broker.start(settings)


def contact(number: int = 0, source: str = "/north/police", **envelope: object) -> bytes:
    """A contact about family `F-1`, as a structured event."""
    event = message({"contact_id": f"C-{number}"}, id=f"e-{number}", source=source)
    return json.dumps(event | envelope).encode()
