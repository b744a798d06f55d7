"""
Logins: with the accounts of a home, or with the council's accounts through an OpenID Connect provider. Readers who are
not logged in are anonymous (audience `everybody`).

Failed logins are counted for each name and each network address. The audit records each login before it succeeds.
"""

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import msgspec
from itsdangerous import BadSignature, URLSafeTimedSerializer

from dashboard.access.accounts import Accounts
from dashboard.access.audience import Audience, areas_of, audience_of
from dashboard.access.failures import Failures
from dashboard.access.provider import Attempt, Provider
from dashboard.access.roles import told_apart
from dashboard.access.sessions import Session, Sessions, open_now
from streams.audit.entries import Actor, entry
from streams.audit.recorder import Recorder
from streams.contracts.codesets import AuditAction, AuditActor, AuditOutcome
from streams.errors import AuditUnavailable, LoginRefused, LoginsTooMany, LoginUnavailable, RoleMissing
from streams.settings import Settings

__all__ = ["CONFIRM_SECONDS", "EVERYBODY", "UNCONFIRMED_SECONDS", "Door", "Who", "actor"]

CONFIRM_SECONDS = 300.0
"""How often the provider is asked whether a person may still log in and has the same role."""
UNCONFIRMED_SECONDS = 1200.0
"""How long a session goes on while the provider does not answer."""

_LINK_SECONDS = 8 * 3600
_FORM_SECONDS = 3600
_ATTEMPT_SECONDS = 600


@dataclass(frozen=True)
class Who:
    """A reader: the name of the account (empty if the reader is not logged in), and the audience."""

    name: str
    audience: Audience
    role: str = ""
    subject: str = ""
    """The OpenID Connect provider's id of the person. Empty for an account of the home."""

    @property
    def areas(self) -> frozenset[str]:
        """The areas whose alerts the reader may see, if the audience is that of areas."""
        return areas_of(self.role)


EVERYBODY = Who("", Audience.EVERYBODY)
"""A reader who is not logged in."""


def actor(who: Who) -> Actor:
    """Return a reader as the audit names it."""
    return Actor(AuditActor.ACCOUNT, who.name, who.role, who.subject or None) if who.name else Actor(AuditActor.NOBODY)


class Door:
    """
    Handles the logins and sessions of one home. Records each login, whether it succeeds or fails.

    A method that lets somebody in raises `AuditUnavailable` if this cannot be recorded.
    """

    def __init__(self, settings: Settings, recorder: Recorder) -> None:
        self._accounts = Accounts(settings.home)
        self._accounts.secret()  # made before two requests could both make it
        self._recorder = recorder
        self._failures = Failures()
        self.session_seconds = int(settings.session_hours * 3600)
        idle, folder = settings.session_idle_minutes * 60, settings.home / "desk" / "sessions"
        self._sessions = Sessions(folder, self._accounts.secret, idle_seconds=idle, total_seconds=self.session_seconds)
        self._emergency_seconds = settings.emergency_minutes * 60
        self.provider = Provider(settings) if settings.oidc_issuer else None
        self.locals = frozenset(filter(None, (name.strip() for name in settings.local_accounts.split(","))))
        """The accounts of the home that may log in although there is a provider."""

    def enter(self, name: str, password: str, address: str) -> str | None:
        """
        Return the key of a new session, or None if the name or password is wrong, or the account may not log in.

        Raises:
            LoginsTooMany: five logins with this name, or from this address, have failed in the last five minutes.
        """
        if not self._failures.take(name, address):
            raise LoginsTooMany("too many logins have failed")
        made = self._accounts.check(name, password)
        if made is None or not self._is_allowed(name):
            known = name if name in self._accounts.names() else ""
            self._refused(Who(known, Audience.EVERYBODY, self._accounts.role(known) or ""))
            return None
        self._failures.succeeded(name, address)
        return self._begin_local(name, made)

    def link(self, name: str) -> str:
        """
        Return the text for a link that logs an account in without the login form.

        The link is valid for eight hours. Give it only to people who can read the home anyway, for example at the
        terminal of a demo.
        """
        return self._signer("link").dumps([name, self._accounts.made(name)])

    def follow(self, link: str) -> str | None:
        """Return the key of a new session for a link, or None if the link is invalid or has expired."""
        try:
            name, made = self._signer("link").loads(link, max_age=_LINK_SECONDS)
        except (BadSignature, TypeError, ValueError):
            return None
        return self._begin_local(name, made) if made and self._is_local(name, made) else None

    def send(self, to: str) -> tuple[str, str]:
        """
        Begin a login at the provider. Return the provider's address, and a text that the browser keeps until it is
        back. `to` is the page to show afterwards.

        Raises:
            LoginUnavailable: the provider does not answer.
        """
        assert self.provider is not None, "only pages with a provider send people there"
        url, attempt = self.provider.begin()
        return url, self._signer("attempt").dumps([attempt.state, attempt.nonce, attempt.verifier, to])

    def receive(self, kept: str, query: Mapping[str, str]) -> tuple[str, str]:
        """
        Return the key of a new session and the page to show, when a browser comes back from the provider.

        Args:
            kept: the text of `send` that the browser kept.
            query: the values with which the browser comes.

        Raises:
            LoginRefused: the browser began no login, the provider refused, its answer proves nothing, or the person
                has the name of an account of the home.
            RoleMissing: the provider let the person in, but gives the person no role on the pages.
            LoginUnavailable: the provider does not answer.
        """
        assert self.provider is not None, "only a provider sends people here"
        try:
            *values, to = self._signer("attempt").loads(kept, max_age=_ATTEMPT_SECONDS)
        except (BadSignature, TypeError, ValueError):
            raise LoginRefused("this browser began no login, or too long ago") from None
        try:
            session = self._named(self.provider.redeem(Attempt(*values), query))
        except LoginRefused:
            self._refused(EVERYBODY)
            raise
        if not session.role:
            self._refused(Who(session.name, Audience.EVERYBODY, subject=session.subject))
            raise RoleMissing("the claim gives no role")
        self._note(_who(session), AuditAction.LOGGED_IN)
        return self._sessions.begin(session), to

    def who(self, key: str | None, *, is_use: bool = True) -> Who:
        """
        Return the reader to whom a session belongs.

        The reader counts as not logged in (audience `everybody`) if there is no such session, if it has ended, if the
        account has changed since the login, or if the provider withdrew the login or the role.

        Args:
            key: the value of the browser's cookie.
            is_use: whether a person uses the pages now. An open page that updates itself is not used.
        """
        session = self._sessions.find(key, is_use=is_use) if key else None
        if not key or session is None:
            return EVERYBODY
        if session.subject:
            session = self._confirmed(key, session)
        elif not self._is_local(session.name, session.mark):
            session = None
        if session is None:
            self._sessions.end(key)
            return EVERYBODY
        return _who(session)

    def leave(self, key: str) -> str | None:
        """
        End a session. Return the address at which the provider ends its own session, if there is one.

        A logout that cannot be recorded takes place all the same.
        """
        session = self._sessions.find(key, is_use=False)
        if session is None:
            return None
        self._sessions.end(key)
        with suppress(AuditUnavailable):
            self._note(_who(session), AuditAction.LOGGED_OUT)
        return self.provider.leave(session.id_token) if self.provider and session.subject else None

    def open_family(self, key: str, family_id: str) -> bool:
        """
        Open a family to a session for some time, in an emergency. Return False if the session has ended.

        The caller has recorded it and alerted the manager before.
        """
        return self._sessions.open_family(key, family_id, time.time() + self._emergency_seconds)

    def opened(self, key: str | None) -> dict[str, float]:
        """Return the families that a session has open in an emergency, each with the time at which that ends."""
        session = self._sessions.find(key, is_use=False) if key else None
        return open_now(session) if session else {}

    def own_token(self, key: str) -> str:
        """Return the token for forms of one session, which a form must send back. It does not contain the key."""
        return self._signer(f"session {key}").dumps("")

    def is_own(self, token: str, key: str) -> bool:
        """Return whether a form's token belongs to this session."""
        try:
            return bool(self._signer(f"session {key}").loads(token, max_age=_FORM_SECONDS) == "")
        except BadSignature:
            return False

    def token(self, ticket: str) -> str:
        """
        Return the token for a login form, which the form must send back. It belongs to the cookie with the value
        `ticket`.
        """
        return self._signer("form").dumps(ticket)

    def fits(self, token: str, ticket: str | None) -> bool:
        """Return whether a form's token belongs to the cookie of the browser that sends the form."""
        try:
            return bool(ticket) and self._signer("form").loads(token, max_age=_FORM_SECONDS) == ticket
        except BadSignature:
            return False

    def _refused(self, who: Who) -> None:
        """Record a login that failed. If no account has the name that somebody gave, the name is not recorded."""
        self._note(who, AuditAction.LOGIN_FAILED, AuditOutcome.REFUSED)

    def _note(self, who: Who, action: AuditAction, outcome: AuditOutcome = AuditOutcome.ALLOWED) -> None:
        self._recorder.record([entry(actor(who), action, outcome=outcome)])

    def _signer(self, purpose: str) -> URLSafeTimedSerializer:
        """Return what signs texts for one purpose. The key is read each time, because it may have been replaced."""
        return URLSafeTimedSerializer(self._accounts.secret(), salt=purpose)

    def _begin_local(self, name: str, made: str) -> str:
        session = Session(name=name, role=self._accounts.role(name) or "", mark=made)
        self._note(_who(session), AuditAction.LOGGED_IN)
        return self._sessions.begin(session)

    def _is_allowed(self, name: str) -> bool:
        return self.provider is None or name in self.locals

    def _is_local(self, name: str, mark: str) -> bool:
        return self._is_allowed(name) and self._accounts.made(name) == mark

    def _confirmed(self, key: str, session: Session) -> Session | None:
        """Return a session of the provider if it may go on. The provider is asked again every few minutes."""
        if self.provider is None or 0 <= time.time() - session.confirmed < CONFIRM_SECONDS:
            return session if self.provider else None
        with self._sessions.locked(key):
            # Another request may have asked while this one waited.
            known = self._sessions.find(key, is_use=False)
            if known is None or 0 <= time.time() - known.confirmed < CONFIRM_SECONDS:
                return known
            return self._ask_again(self.provider, key, known)

    def _named(self, session: Session) -> Session:
        """
        Return a session of the provider under the name that is shown, recorded and told to managers.

        Raises:
            LoginRefused: an account of the home has this name. Then nobody could tell the two apart.
        """
        name = told_apart(session.name, session.subject, self._accounts.secret())
        if {session.name.casefold(), name.casefold()} & {one.casefold() for one in self._accounts.names()}:
            raise LoginRefused("an account of the home has the same name")
        return msgspec.structs.replace(session, name=name)

    def _ask_again(self, provider: Provider, key: str, known: Session) -> Session | None:
        try:
            fresh = self._named(provider.confirm(known))
        except LoginRefused:
            return None
        except LoginUnavailable:
            return known if 0 <= time.time() - known.confirmed < UNCONFIRMED_SECONDS else None
        if fresh.role != known.role:
            return None
        fresh = msgspec.structs.replace(fresh, began=known.began, opened=known.opened)
        self._sessions.replace(key, fresh)
        return fresh


def _who(session: Session) -> Who:
    audience = audience_of(session.role)
    return Who(session.name, audience, session.role, session.subject) if audience else EVERYBODY
