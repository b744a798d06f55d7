"""
Where the desk of an area opens a family of another area in an emergency, and gives a reason.

First the audit records it, then an event alerts the manager. Only after both, the family is open to this session.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from urllib.parse import quote

import msgspec
import structlog
from kafka.errors import KafkaError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboard.access.login import Who
from dashboard.access.openings import MOST
from dashboard.answers import html
from dashboard.asking import SessionEnded, asked_by, let_in
from dashboard.cookies import session_key
from dashboard.pages import PAGES
from dashboard.reading.alerts import alert_of
from dashboard.site import Asked, Site
from dashboard.views import family
from streams.alerts.actions import open_in_emergency
from streams.contracts.codesets import AuditOutcome, EmergencyReason
from streams.contracts.escalation import OpenedInEmergency
from streams.contracts.outputs import Alert
from streams.errors import AuditUnavailable, CafError

__all__ = ["emergency", "worker_id"]

log = structlog.get_logger()

_ADDRESS = "families"
_NOT_OF_WORKERS = re.compile(r"[^A-Za-z0-9._:/-]")


def emergency(site: Site) -> list[Route]:
    """Return the address to which the form with the family is sent."""
    return [Route(f"/{_ADDRESS}", _choose(site), methods=["POST"])]


def worker_id(name: str) -> str:
    """
    Return an account's name in the form that the contract allows for workers. The audit has the exact name.

    The name of a person of the provider ends in a mark, which this leaves as it is.
    """
    return _NOT_OF_WORKERS.sub("-", name).lstrip("._:/-") or "account"


def _choose(site: Site) -> Callable[[Request], Awaitable[Response]]:
    async def choose(request: Request) -> Response:
        try:
            form = await request.form()
        except ClientDisconnect:
            return PlainTextResponse("The request is too large.", 413)
        given = {name: str(form.get(name, "")).strip() for name in ("token", "family_id", "alert_id", "reason")}
        return await asyncio.to_thread(_chosen, site, request, given)

    return choose


def _chosen(site: Site, request: Request, given: Mapping[str, str]) -> Response:
    asked, key = asked_by(site, request), session_key(site, request) or ""
    let_in(asked, _ADDRESS, PAGES[_ADDRESS])
    try:
        if not site.door.is_own(given["token"], key):
            raise _Problem(403, "This form was open for too long. Try again.")
        alert = _alert(site, given["alert_id"])
        if alert is not None and asked.may_see(alert):
            return RedirectResponse(f"/alerts/{alert.alert_id}", 303)
        family_id = (alert.family_id or "" if alert else "") if given["alert_id"] else given["family_id"]
        if not asked.is_desk:
            _open(asked, key, _opening(asked.who, family_id, given), alert)
    except _Problem as problem:
        content = family.blank(
            asked, problem=problem.sentence, family_id=given["family_id"], alert_id=given["alert_id"]
        )
        return html(asked, "family.html", _ADDRESS, problem.status, **content)
    except _ManagerNotTold:
        sentence = "The manager cannot be alerted now, so nothing is shown. Try again, or call the emergency duty team."
        return html(
            asked, "problem.html", _ADDRESS, 503, title="The family cannot be opened now", sentence=sentence, since=""
        )
    return RedirectResponse(f"/alerts/{alert.alert_id}" if alert else f"/{_ADDRESS}/{quote(family_id)}", 303)


class _Problem(Exception):
    """Nothing was opened. The form is shown again, with this sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


class _ManagerNotTold(Exception):
    """The broker did not take the event, so nobody is alerted, and nothing may be shown."""


def _alert(site: Site, alert_id: str) -> Alert | None:
    if not alert_id:
        return None
    with site.reader.snapshot() as snapshot:
        return alert_of(snapshot, site.board.alerts(), alert_id)


def _opening(who: Who, family_id: str, given: Mapping[str, str]) -> OpenedInEmergency | None:
    """Return the event, or None if the alert in the form does not exist or is about no family."""
    if given["reason"] not in set(EmergencyReason):
        raise _Problem(400, "Choose a reason.")
    if given["alert_id"] and not family_id:
        return None
    fact = {"family_id": family_id, "worker_id": worker_id(who.name), "emergency_reason": given["reason"]}
    try:
        return msgspec.convert(fact, OpenedInEmergency)
    except msgspec.ValidationError:
        raise _Problem(400, "This is not the id of a family.") from None


def _open(asked: Asked, key: str, opening: OpenedInEmergency | None, alert: Alert | None) -> None:
    """
    Open a family to this session: record it, then alert the manager, then remember it.

    An alert that does not exist is counted and recorded as well. Otherwise, the form could be used to find out which
    alerts exist.
    """
    site, who, account = asked.site, asked.who, asked.who.subject or asked.who.name
    if not site.openings.take(account):
        site.seen.opened(who, opening, alert, AuditOutcome.REFUSED)
        raise _Problem(
            429, f"You have opened {MOST} families in an hour. Call your manager or the emergency duty team."
        )
    if opening is None:
        site.seen.opened(who, opening, alert, AuditOutcome.REFUSED)
        raise _Problem(404, "There is no family that can be opened for this alert.")
    site.seen.opened(who, opening, alert)
    try:
        open_in_emergency(site.settings, opening)
    except (CafError, KafkaError) as error:
        log.warning("manager_not_told", reason=type(error).__name__)
        site.openings.give_back(account)
        with suppress(AuditUnavailable):
            site.seen.opened(who, opening, alert, AuditOutcome.REFUSED)
        raise _ManagerNotTold from error
    if not site.door.open_family(key, opening.family_id):
        raise SessionEnded
