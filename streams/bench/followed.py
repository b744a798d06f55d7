"""Sends referrals, and finds out when the locality mart first counts each of them."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from kafka import KafkaProducer

from streams import names
from streams.contracts.codesets import Consent, ReferralSource, Severity
from streams.contracts.referral import ReferralSubmitted
from streams.settings import Settings
from streams.simulate.places import places_of

__all__ = ["SOURCE", "Followed"]

SOURCE = "/bench"
"""CloudEvents source of the referrals."""


class Followed:
    """
    Sends referrals. Records when each one was produced, and when the mart first counted it.

    Each referral is in another LSOA than the one before. A referral counts as visible once the mart shows one more
    referral in its LSOA.
    """

    def __init__(self, settings: Settings, counted: Mapping[str, int]) -> None:
        self._settings = settings
        self._places = [place.lsoa_code for place in places_of(settings.authority).all]
        self._expected = Counter(counted)
        self._awaited: dict[str, tuple[str, int]] = {}
        self.produced: dict[str, datetime] = {}
        self.visible: dict[str, datetime] = {}

    def send(self, client: KafkaProducer) -> None:
        """Produce one more referral."""
        number = len(self.produced)
        place = self._places[number % len(self._places)]
        self._expected[place] += 1
        self._awaited[f"bench-{number}"] = (place, self._expected[place])
        self.produced[f"bench-{number}"] = datetime.now(UTC)
        client.send(names.REFERRAL, key=_family(number).encode(), value=_referral(self._settings, number, place))

    def look(self, counted: Mapping[str, int]) -> None:
        """Record which referrals the mart has counted by now. `counted` has the mart's number of referrals by LSOA."""
        for event, (place, count) in list(self._awaited.items()):
            if counted.get(place, 0) >= count:
                self.visible[event] = datetime.now(UTC)
                del self._awaited[event]


def _family(number: int) -> str:
    return f"F-bench-{number}"


def _referral(settings: Settings, number: int, place: str) -> bytes:
    fact = ReferralSubmitted(
        referral_id=f"R-bench-{number}",
        family_id=_family(number),
        source_code=ReferralSource.POLICE,
        severity=Severity.AMBER,
        person_ids=[f"P-bench-{number}"],
        lsoa_code=place,
        agency_id="police",
        consent=Consent.GIVEN,
    )
    envelope = {
        "specversion": "1.0",
        "id": f"bench-{number}",
        "source": SOURCE,
        "type": fact.type,
        "time": datetime.now(UTC),
        "authority": settings.authority,
        "data": fact,
    }
    return msgspec.json.encode(envelope)
