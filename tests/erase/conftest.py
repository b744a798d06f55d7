"""A home in which a watcher and a lander run, and records about two families: one will be forgotten, one stays."""

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from streams import names
from streams.alerts.follow import follow
from streams.contracts.outputs import Alert
from streams.kafka.client import consumer, producer
from streams.land import run as land
from streams.rules.compiled import compiled_rules
from streams.settings import Settings
from streams.times import wait_for
from streams.watch.run import run as watch

GONE = "gone7431"
"""A word in every id and every text about the family and the person that are erased, and nowhere else."""
FAMILY, CHILD, STAYING, ADULT = f"F-{GONE}", f"P-{GONE}", "F-stay5086", "P-adult5086"
SECRET = f"a remark about {GONE} that nobody may read"


class Home:
    """The settings of a home, and what a partner does with it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._numbers = count()
        self._now = datetime.now(UTC)

    def send(self, *records: tuple[str, str, bytes]) -> None:
        with closing(producer(self.settings)) as client:
            for topic, key, value in records:
                client.send(topic, key=key.encode(), value=value)
            client.flush()

    def event(self, fact: str, *, hours: float = 1, about: str = "", topic: str = names.REFERRAL, **data: object):
        """Make an event of some hours ago. `about` is part of its id."""
        event = {
            "specversion": "1.0",
            "id": f"e-{next(self._numbers)}{about}",
            "source": "/wirral/front-door",
            "type": f"uk.{topic.removesuffix('.v1')}.{fact}.v1",
            "time": (self._now - timedelta(hours=hours)).isoformat(),
            "authority": "E08000015",
            "data": data,
        }
        key = data.get("family_id") or data.get("person_id") or data["alert_id"]
        return topic, key, json.dumps(event).encode()

    def story(self, family: str, word: str) -> list[tuple[str, str, bytes]]:
        """A family that two agencies report, with a child, a decision and values that only this family has."""
        child = f"P-{word}"
        case = {"topic": names.CASE_CHANGE, "about": f"-{word}"}
        referral = {"family_id": family, "source_code": "6", "severity": "amber", "consent": "given"}
        return [
            self.event("person-recorded", **case, person_id=child, date_of_birth="2019-04-05", school_id=f"s-{word}"),
            self.event("household-joined", **case, family_id=family, person_id=child, household_role="child"),
            self.event("address-changed", **case, family_id=family, address_id=f"U-{word}", lsoa_code="E01007110"),
            self.event("case-opened", hours=40, **case, case_id=f"K-{word}", family_id=family, service_id="early-help"),
            self.event(
                "referral-submitted", hours=30, about=f"-{word}", **referral, referral_id=f"R-{word}",
                agency_id="school-107", person_ids=[child], incident_id=f"I-{word}", remark=f"remark of {word}",
            ),
            self.event(
                "referral-submitted", hours=26, about=f"-{word}", **referral, referral_id=f"R-{word}-2",
                agency_id="police-1", person_ids=[child],
            ),
            self.event("referral-decided", about=word, family_id=family, referral_id=f"R-{word}", decision="early_help"),  # noqa: E501
        ]  # fmt: skip

    def alerts(self) -> list[Alert]:
        return [alert for alert, _ in follow(self.settings, stop_at_end=True)]

    def topic(self, name: str) -> list[tuple[bytes | None, bytes | None]]:
        """Keys and values of all records that a topic still has, also of aborted transactions."""
        with closing(consumer(self.settings, [name], isolation_level="read_uncommitted")) as reader:
            ends, found = reader.end_offsets(reader.assignment()), []
            while any(reader.position(place) < end for place, end in ends.items()):
                found += [(one.key, one.value) for batch in reader.poll(200).values() for one in batch]
            return found

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run a watcher and a lander."""
        with ExitStack() as stack:
            stop = threading.Event()
            for part in (watch, land):
                thread = threading.Thread(target=part, args=(self.settings,), kwargs={"until": stop.is_set})
                thread.start()
                stack.callback(thread.join)
            stack.callback(stop.set)
            yield


@pytest.fixture
def fresh_settings(fresh_settings: Settings) -> Settings:
    """The settings of an empty lake, and a home without erasures. All tests of a run share this home."""
    shutil.rmtree(fresh_settings.home / "erasures", ignore_errors=True)
    return fresh_settings


@pytest.fixture
def council(fresh_settings: Settings, fresh_topics: str) -> Home:
    """A home with empty topics and an empty lake. No embedded part of another test uses them."""
    compiled_rules(fresh_settings)
    return Home(replace(fresh_settings, land_batch_seconds=0.1, heartbeat_seconds=1.0))


@pytest.fixture
def patience() -> Callable[[Callable[[], object]], None]:
    """Waits until something is true."""

    def wait(condition: Callable[[], object]) -> None:
        assert wait_for(lambda: bool(condition()), 600, every=0.5)

    return wait
