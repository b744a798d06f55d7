"""What an OpenID Connect provider publishes about itself: its addresses, and the keys with which it signs."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import requests
import structlog

from dashboard.access.deadline import within
from streams.errors import LoginUnavailable

__all__ = ["TIMEOUT_SECONDS", "Published", "is_safe"]

log = structlog.get_logger()

TIMEOUT_SECONDS = 10
"""How long an answer of the provider may take altogether."""

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
"""Signatures that prove something. `none`, and signatures with a secret that others share, are not among them."""

_KEPT_SECONDS = 3600.0
_PAUSE_SECONDS = 15.0
"""After a failure, the provider is not asked again for so long. Otherwise every request would wait for the timeout."""

_NEEDED = ("authorization_endpoint", "token_endpoint", "jwks_uri")
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Published:
    """
    The description and the keys of one provider. They are read when they are needed, and kept for an hour.

    Only what can be used is kept. So a provider that publishes nonsense for a moment is the same as one that does not
    answer for a moment.
    """

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._known: dict[str, tuple[float, Any]] = {}
        self._paused_until = 0.0

    def metadata(self) -> dict[str, Any]:
        """
        Return the provider's description of itself.

        Raises:
            LoginUnavailable: the provider does not answer, or its description is not that of the issuer.
        """
        found: dict[str, Any] = self._get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration", self._checked)
        return found

    def signed(self, text: str) -> Any:
        """
        Return the content of a token that the provider signed.

        If the key is unknown, the provider may have changed its keys, so they are read again.

        Raises:
            joserfc.errors.JoseError: the provider did not sign the token.
            LoginUnavailable: the keys cannot be read, or none of them can be used.
        """
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError
        from joserfc.jws import JWSRegistry

        registry = JWSRegistry(algorithms=_ALGORITHMS, strict_check_header=False)
        address = self.metadata()["jwks_uri"]
        try:
            return jwt.decode(text, self._get(address, _keys), registry=registry)
        except InvalidKeyIdError:
            return jwt.decode(text, self._get(address, _keys, is_old=True), registry=registry)

    def check_pause(self) -> None:
        """
        Let nobody wait for a provider that failed a moment ago.

        Raises:
            LoginUnavailable: it did.
        """
        if time.monotonic() < self._paused_until:
            raise LoginUnavailable("the provider did not answer a moment ago")

    def unavailable(self, error: Exception) -> LoginUnavailable:
        """Return the error to raise after a failure of the provider, and begin a pause."""
        self._paused_until = time.monotonic() + _PAUSE_SECONDS
        log.warning("login_provider_unavailable", reason=type(error).__name__)
        return LoginUnavailable(f"the provider does not answer as it should ({type(error).__name__})")

    def _checked(self, found: dict[str, Any]) -> dict[str, Any]:
        needed = [found.get(name) for name in _NEEDED]
        optional = filter(None, [found.get("end_session_endpoint")])
        if found.get("issuer") != self._issuer or not all(map(is_safe, [*needed, *optional])):
            raise ValueError("the description is of another issuer, incomplete or without TLS")
        return found

    def _get(self, address: str, read: Callable[[dict[str, Any]], Any], *, is_old: bool = False) -> Any:
        """
        Return what an address publishes. `is_old` says that what is known of it is too old.

        Args:
            read: makes of the published object what is kept. It raises `ValueError` if the object cannot be used.
        """
        now = time.monotonic()
        known = self._known.get(address)
        if known and not is_old and now - known[0] < _KEPT_SECONDS:
            return known[1]
        self.check_pause()
        try:
            answer = within(
                TIMEOUT_SECONDS, lambda: requests.get(address, timeout=TIMEOUT_SECONDS, allow_redirects=False)
            )
            answer.raise_for_status()
            found = read(dict(answer.json()))
        except (requests.RequestException, TimeoutError, ValueError, TypeError) as error:
            raise self.unavailable(error) from error
        self._known[address] = (now, found)
        return found


def _keys(found: dict[str, Any]) -> Any:
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        return KeySet.import_key_set(found)  # type: ignore[arg-type]
    except (JoseError, KeyError) as error:
        raise ValueError("there is no key that can be used") from error


def is_safe(address: object) -> bool:
    """Whether an address is reached through TLS, or does not leave this machine."""
    parts = urlsplit(address) if isinstance(address, str) else None
    if parts is None or not parts.hostname:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
