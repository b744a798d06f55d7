"""Which kinds of facts are among some events."""

import json

import pytest

from streams import names
from streams.contracts import Accepted, decode
from streams.errors import RulesInvalid
from streams.rules.kinds import Kinds
from streams.watch.history import StoredRecord


def referral(number: int, family: str = "F-1", severity: str = "amber") -> Accepted:
    data = {"referral_id": f"R-{number}", "family_id": family, "source_code": "6", "severity": severity}
    envelope = {"specversion": "1.0", "id": f"e-{number}", "source": "/test", "authority": "E08000015", "data": data}
    envelope |= {"type": "uk.caf.referral.referral-submitted.v1", "time": "2026-03-02T12:00:00Z"}
    value = json.dumps(envelope).encode()
    accepted = decode(StoredRecord(names.REFERRAL, 0, number, 1_772_452_800_000, family.encode(), value, ()))
    assert isinstance(accepted, Accepted)
    return accepted


def test_a_fact_is_there_whatever_it_says():
    assert Kinds(["referral-submitted", "case-opened"]).among([referral(1)]) == {"referral-submitted"}


def test_a_value_is_looked_for_in_its_field():
    kinds = Kinds(["referral-submitted[severity=red]"])

    assert kinds.among([referral(1)]) == frozenset()
    assert kinds.among([referral(1), referral(2, severity="red")]) == {"referral-submitted[severity=red]"}


def test_twice_is_twice_in_one_family():
    kinds = Kinds(["referral-submitted*2"])

    assert kinds.among([referral(1), referral(2, "F-2")]) == frozenset()
    assert kinds.among([referral(1), referral(2)]) == {"referral-submitted*2"}


@pytest.mark.parametrize("name", ["referral-submitted*3", "never-said", "referral-submitted[colour=red]"])
def test_what_the_contract_does_not_know_is_refused(name):
    with pytest.raises(RulesInvalid, match="empty_without"):
        Kinds([name])
