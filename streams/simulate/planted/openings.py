"""Families that a desk of another area opens in an emergency, and workers who need no such right."""

from streams.contracts.case_work import FamilySeen
from streams.contracts.codesets import EmergencyReason
from streams.contracts.escalation import OpenedInEmergency
from streams.simulate.planted.script import Script

__all__ = ["STORIES"]

_OPENED = "opened_without_right"


def opened_in_the_night(s: Script) -> None:
    """At night, the desk of another area opens the family, because a child is in immediate danger."""
    s.expect(_OPENED, s.fact(s.ago(34, 2), _opening(s, EmergencyReason.IMMEDIATE_DANGER)), status="open")


def seen_by_its_own_worker(s: Script) -> None:
    """A worker visits the family. Nobody opened it in an emergency."""
    s.deny(_OPENED, s.fact(s.ago(33), FamilySeen(family_id=s.family.id)))


def opening_is_withdrawn(s: Script) -> None:
    """An opening was sent by a test of the pages, and is withdrawn."""
    opened = s.fact(s.ago(32), _opening(s, EmergencyReason.ASKED_BY_MANAGER))
    s.withdraw(s.ago(31), opened)
    s.deny(_OPENED, opened)


def _opening(s: Script, reason: EmergencyReason) -> OpenedInEmergency:
    return OpenedInEmergency(family_id=s.family.id, worker_id=s.borough.worker(), emergency_reason=reason)


STORIES = (opened_in_the_night, seen_by_its_own_worker, opening_is_withdrawn)
