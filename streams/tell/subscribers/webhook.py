"""
Send alerts as signed HTTP requests.

Source: https://www.standardwebhooks.com. The standard defines the headers, the signed content, and the form of the
secret.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import requests

from streams.alerts.publisher import SOURCE
from streams.contracts.output_envelope import encode_output
from streams.contracts.outputs import ALERT_TYPE, Alert
from streams.errors import SettingInvalid
from streams.tell.subscribers.delivery import NotTaken, NotYetTaken

__all__ = ["Webhook", "read_secret", "sign"]

_TIMEOUT_SECONDS = 10
_LATER = {408, 425, 429}
_LOCAL = {"localhost", "127.0.0.1", "::1"}
_SECRET_BYTES = 24


def read_secret(path: Path) -> bytes:
    """
    Read the key from a file. The file contains the key in base64, with or without `whsec_` before it.

    Raises:
        SettingInvalid: the file cannot be read or is not base64, or the key is too short.
    """
    try:
        key = base64.b64decode(path.read_text().strip().removeprefix("whsec_"), validate=True)
    except (OSError, UnicodeDecodeError, binascii.Error) as error:
        raise SettingInvalid(
            f"the secret in {path} cannot be read ({type(error).__name__}); allowed: base64 of {_SECRET_BYTES} "
            "bytes or more, with or without 'whsec_' before it"
        ) from None
    if len(key) < _SECRET_BYTES:
        raise SettingInvalid(f"the secret in {path} has {len(key)} bytes; allowed: {_SECRET_BYTES} or more")
    return key


def sign(key: bytes, identity: str, timestamp: str, body: bytes) -> str:
    """
    Return the signature of a message: HMAC-SHA256 of `identity.timestamp.body`. The receiver computes the same and
    compares.
    """
    signed = b".".join((identity.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class Webhook:
    """
    Sends each version of an alert to a receiver in a POST request. The body is the same CloudEvents JSON as on the
    topic.
    """

    def __init__(self, url: str, key: bytes) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
            # The message leaves out most of the webhook's address, because the address may contain a password.
            raise SettingInvalid(f"the webhook's address begins with {parts.scheme!r}; allowed: https, or local http")
        self._url = url
        self._key = key
        self._session = requests.Session()

    def __call__(self, alert: Alert) -> None:
        """
        Send one version of an alert. Each attempt has a signature of its own.

        Raises:
            NotYetTaken: the receiver does not answer, reports an internal error (5xx), or asks the sender to try again
                later (408, 425, 429).
            NotTaken: the receiver gives any other answer than 2xx. Redirects are not followed.
        """
        identity = f"{alert.alert_id}/{alert.version}"
        body = encode_output(ALERT_TYPE, source=SOURCE, identity=identity, time=alert.raised_at, data=alert)
        timestamp = str(int(datetime.now(UTC).timestamp()))
        headers = {
            "content-type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": identity,
            "webhook-timestamp": timestamp,
            "webhook-signature": sign(self._key, identity, timestamp, body),
        }
        try:
            answer = self._session.post(
                self._url, data=body, headers=headers, timeout=_TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:
            raise NotYetTaken(f"no answer ({type(error).__name__})") from None
        if answer.status_code >= 500 or answer.status_code in _LATER:
            raise NotYetTaken(f"answered {answer.status_code}")
        if not answer.ok or answer.is_redirect:
            raise NotTaken(f"answered {answer.status_code}")
