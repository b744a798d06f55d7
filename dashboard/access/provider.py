"""
The OpenID Connect provider with which people log in: what to send a browser to, and what its answers prove.

The authorization code flow with PKCE, as Authlib does it. Authlib is imported only if a provider is set, because most
commands do not need it.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

import requests

from dashboard.access.deadline import within
from dashboard.access.published import TIMEOUT_SECONDS, Published, is_safe
from dashboard.access.roles import name_in, role_in, roles_of
from dashboard.access.sessions import Session
from streams.errors import LoginRefused, LoginUnavailable, SettingInvalid
from streams.settings import Settings

__all__ = ["CALLBACK", "Attempt", "Provider"]

CALLBACK = "/login/callback"
"""Path of the redirect URI."""

_AS_SAID = {"allow_redirects": False}
"""Secrets go to the address in the provider's description, and to no other."""

_LEEWAY_SECONDS = 60
"""How far the clocks of the provider and of this machine may differ."""


@dataclass(frozen=True)
class Attempt:
    """One login that has begun: the values that only this browser and the provider know."""

    state: str
    nonce: str
    verifier: str


class Provider:
    """
    The provider that the settings name.

    Raises:
        SettingInvalid: a setting that OpenID Connect needs is missing or wrong.
    """

    def __init__(self, settings: Settings) -> None:
        self.issuer = settings.oidc_issuer
        self._client_id = settings.oidc_client_id
        self._secret = _secret(settings)
        self._scope = settings.oidc_scope
        self._claim, self._roles = settings.oidc_roles_claim, roles_of(settings.oidc_roles, settings.authority)
        self._home_url = settings.dashboard_url.rstrip("/")
        for name, value in (("CAF_OIDC_ISSUER", self.issuer), ("CAF_DASHBOARD_URL", self._home_url)):
            if not is_safe(value):
                raise SettingInvalid(f"{name} is {value!r}; allowed: https://host…, or http:// on the loopback address")
        if not self._client_id or "openid" not in self._scope.split():
            raise SettingInvalid("OpenID Connect needs CAF_OIDC_CLIENT_ID, and the word openid in CAF_OIDC_SCOPE")
        self._published = Published(self.issuer)

    @property
    def host(self) -> str:
        """The name of the provider's host, to show to people."""
        return urlsplit(self.issuer).netloc

    def begin(self) -> tuple[str, Attempt]:
        """
        Return the address to which a browser goes to log in, and the attempt that its answer must belong to.

        Raises:
            LoginUnavailable: the provider does not answer.
        """
        attempt = Attempt(*(secrets.token_urlsafe(32) for _ in range(3)))
        with self._session() as session:
            url, _ = session.create_authorization_url(
                self._published.metadata()["authorization_endpoint"],
                state=attempt.state,
                nonce=attempt.nonce,
                code_verifier=attempt.verifier,
            )
        return str(url), attempt

    def redeem(self, attempt: Attempt, query: Mapping[str, str]) -> Session:
        """
        Return the session for the provider's answer to an attempt. Its role is empty if the person has none.

        Args:
            query: the values with which the browser came back.

        Raises:
            LoginRefused: the answer does not belong to the attempt, or proves nothing.
            LoginUnavailable: the provider does not answer.
        """
        if not secrets.compare_digest(query.get("state", "").encode(), attempt.state.encode()):
            raise LoginRefused("the answer belongs to another login")
        needs_issuer = self._published.metadata().get("authorization_response_iss_parameter_supported") is True
        if ("iss" in query or needs_issuer) and query.get("iss") != self.issuer:
            raise LoginRefused("the answer comes from another provider")
        if not query.get("code"):
            raise LoginRefused("the provider did not let the person in")
        with self._session() as session:
            tokens = self._tokens(
                lambda: session.fetch_token(
                    self._published.metadata()["token_endpoint"],
                    code=query["code"],
                    code_verifier=attempt.verifier,
                    **_AS_SAID,
                )
            )
        return self._proven(tokens, nonce=attempt.nonce)

    def confirm(self, session: Session) -> Session:
        """
        Ask the provider again whether a person may log in and has which role. Return the session with the answer.

        Raises:
            LoginRefused: the person may no longer log in, or the provider gave no means to ask.
            LoginUnavailable: the provider does not answer.
        """
        if not session.refresh_token:
            raise LoginRefused("the provider gave no token with which to ask again")
        address, old = self._published.metadata()["token_endpoint"], session.refresh_token
        with self._session() as client:
            tokens = self._tokens(lambda: client.refresh_token(address, refresh_token=old, **_AS_SAID))
        fresh = self._proven({"refresh_token": old, **tokens})
        if fresh.subject != session.subject:
            raise LoginRefused("the provider now names somebody else")
        return fresh

    def leave(self, id_token: str) -> str | None:
        """Return the address at which the provider ends its own session, or None if it has none or does not answer."""
        try:
            address = self._published.metadata().get("end_session_endpoint")
        except LoginUnavailable:
            return None
        said = {
            "id_token_hint": id_token,
            "client_id": self._client_id,
            "post_logout_redirect_uri": f"{self._home_url}/",
        }
        return f"{address}{'&' if '?' in address else '?'}{urlencode(said)}" if address else None

    def _session(self) -> Any:
        from authlib.integrations.requests_client import OAuth2Session

        return OAuth2Session(
            self._client_id,
            self._secret,
            scope=self._scope,
            redirect_uri=self._home_url + CALLBACK,
            code_challenge_method="S256",
            default_timeout=TIMEOUT_SECONDS,
        )

    def _tokens(self, ask: Any) -> dict[str, Any]:
        from authlib.common.errors import AuthlibBaseError

        self._published.check_pause()
        try:
            return dict(within(TIMEOUT_SECONDS, ask))
        except AuthlibBaseError as error:
            # The provider's description may name the person, so only the code is kept.
            raise LoginRefused(f"the provider refused ({str(error.error)[:40]})") from error
        except (requests.RequestException, TimeoutError, ValueError) as error:
            raise self._published.unavailable(error) from error

    def _proven(self, tokens: Mapping[str, Any], *, nonce: str | None = None) -> Session:
        """Return the session that an ID token proves."""
        from authlib.oidc.core import CodeIDToken
        from joserfc.errors import JoseError

        text = tokens.get("id_token")
        if not isinstance(text, str):
            raise LoginRefused("the provider sent no ID token")
        try:
            token = self._published.signed(text)
            options = {
                "iss": {"essential": True, "value": self.issuer},
                "aud": {"essential": True, "value": self._client_id},
            }
            params = {"client_id": self._client_id, "access_token": tokens.get("access_token"), "nonce": nonce}
            claims = CodeIDToken(token.claims, token.header, options, params)
            claims.validate(leeway=_LEEWAY_SECONDS)
        except (JoseError, ValueError, TypeError) as error:
            raise LoginRefused(f"the ID token proves nothing ({type(error).__name__})") from error
        return Session(
            name=name_in(claims),
            role=role_in(claims, self._claim, self._roles) or "",
            subject=str(claims["sub"]),
            id_token=text,
            refresh_token=str(tokens.get("refresh_token") or ""),
        )


def _secret(settings: Settings) -> str:
    if not settings.oidc_client_secret:
        raise SettingInvalid("OpenID Connect needs CAF_OIDC_CLIENT_SECRET_FILE, a file with the client's secret")
    return settings.oidc_client_secret
