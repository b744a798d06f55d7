"""`waiting_too_long`: a family has waited too long for a requested service."""

from collections.abc import Iterator
from datetime import datetime

from streams.contracts.case_work import ServiceCancelled, ServiceDeclined, ServiceRequested, ServiceStarted
from tests.oracle.alert import Expected
from tests.oracle.facts import Fact
from tests.oracle.profile import Profile
from tests.oracle.world import World

__all__ = ["expected"]


def expected(world: World, as_of: datetime, profile: Profile) -> Iterator[Expected]:
    """
    Raise an alert when the partner's target days have passed and the service was not started, declined or cancelled.

    Evidence: the first event of the request, and, if there is one, the first event that answers the request.
    """
    seen = set()
    for request in world.of(ServiceRequested):
        if (key := (request.data.family_id, request.data.service_request_id)) in seen:
            continue
        seen.add(key)
        answer = _answer(world, request)
        deadline = request.at + profile.waiting(request.data.service_kind)
        if as_of > deadline and (answer is None or answer.at > deadline):
            yield Expected(
                rule="waiting_too_long",
                entity_kind="family",
                entity_id=request.data.family_id,
                anchor=request.root,
                anchored_at=deadline,
                severity="amber",
                status="cleared" if answer else "open",
                evidence=frozenset({request.root, answer.root} if answer else {request.root}),
                deadline=deadline,
            )


def _answer(world: World, request: Fact) -> Fact | None:
    """The first event that ends the family's wait. The end of a service that was never started does not count."""
    same = {"family_id": request.data.family_id, "service_request_id": request.data.service_request_id}
    return next(iter(world.of(ServiceStarted, ServiceDeclined, ServiceCancelled, **same)), None)
