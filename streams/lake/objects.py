"""
Read, write, list and remove the objects of a lake in an object store, and ask the store what it keeps.

DuckDB reads and writes the rows of the lake itself. This client is for what DuckDB has no statement for: a check before
the start, copies of whole files, and the question whether the bucket keeps what was removed.

Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

import hashlib
import hmac
import re
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Final, Self
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import duckdb
import requests
from lxml import etree

from streams.errors import LakeUnavailable
from streams.lake.connect import extension_file
from streams.lake.object_store import ObjectStore, without_credentials
from streams.lake.one_row import one_row
from streams.lake.quoted import quoted
from streams.lake.renewal import Renewal
from streams.settings import Settings

__all__ = ["LIST", "Objects", "versioning_of"]

LIST: Final = "list the bucket"
"""What a request for the names of objects does, in error messages."""

_DATE: Final = "%Y%m%dT%H%M%SZ"
_TIMEOUT: Final = (5, 60)
"""Seconds until a connection must stand, and until the next bytes must have arrived."""
_BLOCK: Final = 1_048_576
_CODE: Final = re.compile(r"<Code>([A-Za-z0-9]+)</Code>")
_MISSING: Final = "NoSuchKey"

_REASONS: Final = {
    "NoSuchBucket": "there is no such bucket at {host}; correct CAF_LAKE_DATA or AWS_ENDPOINT_URL",
    "InvalidBucketName": "{host} allows no such name of a bucket; correct CAF_LAKE_DATA",
    "InvalidAccessKeyId": "{host} does not know the access key; correct AWS_ACCESS_KEY_ID",
    "SignatureDoesNotMatch": "the secret does not belong to the access key; correct AWS_SECRET_ACCESS_KEY",
    "ExpiredToken": "the credentials have expired; renew them (AWS_SESSION_TOKEN)",
    "InvalidToken": "the session token is not valid; renew the credentials (AWS_SESSION_TOKEN)",
    "AccessDenied": "the credentials do not allow to {what}; see docs/object-store.md for the rights that a part needs",
    "PermanentRedirect": "the bucket is in another region; correct AWS_REGION",
    "AuthorizationHeaderMalformed": "the bucket is in another region; correct AWS_REGION",
    "RequestTimeTooSkewed": "the clock of this machine is wrong; set it",
}
"""What each error code of S3 means here, and which setting to correct."""


@dataclass(frozen=True, repr=False)
class _Keys:
    """Credentials as they are now, and the region for which requests are signed."""

    key_id: str
    secret: str
    session_token: str
    region: str


class Objects:
    """
    The objects of a lake. Their names are relative to the prefix of the lake.

    Every method raises `LakeUnavailable` if the store does not answer or refuses the request. The message says which
    setting is wrong, and contains no secret.

    Args:
        settings: the settings of a lake in an object store.

    Raises:
        LakeUnavailable: there are no credentials.
        SettingInvalid: the endpoint is no address.
    """

    def __init__(self, settings: Settings) -> None:
        store = ObjectStore.of(settings)
        assert store is not None, "the caller knows that the lake is in an object store"
        self._settings, self.store = settings, store
        self._http = requests.Session()
        host = store.host if store.is_path_style else f"{store.bucket}.{store.host}"
        self._bucket = f"{'https' if store.is_tls else 'http'}://{host}" + (f"/{store.bucket}" * store.is_path_style)
        self._session = _session(settings, store)
        self._renewal = Renewal(settings, self._session)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._session.close()

    def names(self, *, most: int | None = None) -> Iterator[tuple[str, int]]:
        """Yield the name of each object of the lake, and its size in bytes; at most `most` of them."""
        below = f"{self.store.prefix}/" if self.store.prefix else ""
        asked = {"list-type": "2", "prefix": below} | ({"max-keys": str(most)} if most else {})
        while True:
            answer = self._ask("GET", "", LIST, query=asked).content
            listed = etree.fromstring(answer, etree.XMLParser(resolve_entities=False, no_network=True))
            for one in listed.iterfind("{*}Contents"):
                yield one.findtext("{*}Key", "").removeprefix(below), int(one.findtext("{*}Size", "0"))
            following = listed.findtext("{*}NextContinuationToken")
            if not following or most:
                return
            asked["continuation-token"] = following

    def has(self, name: str) -> bool:
        """Return whether there is an object."""
        return self._ask("HEAD", self._key(name), "read objects", may_lack=True).ok

    def read(self, name: str) -> Iterator[bytes]:
        """Return the content of an object in blocks."""
        answer = self._ask("GET", self._key(name), "read objects", stream=True)
        return self._blocks(answer)

    def write(self, name: str, content: IO[bytes]) -> None:
        """Write an object from an open file, from its present position on. Readers see it whole or not at all."""
        begin, digest = content.tell(), hashlib.sha256()
        while block := content.read(_BLOCK):
            digest.update(block)
        content.seek(begin)
        self._ask("PUT", self._key(name), "write objects", content=content, checksum=digest.hexdigest())

    def remove(self, name: str) -> None:
        """Remove an object. If there is none, nothing happens."""
        self._ask("DELETE", self._key(name), "delete objects", may_lack=True)

    def versioning(self) -> str:
        """
        Return whether the bucket keeps versions of what is overwritten or removed: `Enabled`, `Suspended` (it keeps
        those of before), `never`, or `unknown` if the store cannot say so or the credentials do not allow the question.
        """
        try:
            return versioning_of(self._ask("GET", "", "ask for the versioning", query={"versioning": ""}).text)
        except LakeUnavailable:
            return "unknown"

    def _blocks(self, answer: requests.Response) -> Iterator[bytes]:
        try:
            yield from answer.iter_content(_BLOCK)
        except requests.RequestException as error:
            raise self._failed(f"{self.store.host} broke off an answer ({type(error).__name__})") from None

    def _key(self, name: str) -> str:
        return f"{self.store.prefix}/{name}" if self.store.prefix else name

    def _ask(
        self,
        method: str,
        key: str,
        what: str,
        *,
        query: Mapping[str, str] | None = None,
        content: IO[bytes] | None = None,
        checksum: str = hashlib.sha256(b"").hexdigest(),
        stream: bool = False,
        may_lack: bool = False,
    ) -> requests.Response:
        """
        Send a request.

        Args:
            what: what the request does, for the error message.
            checksum: the SHA-256 of the content. It is signed, so nobody can change the content on its way.
            may_lack: whether the object may be missing.
        """
        address = f"{self._bucket}/{quote(key, safe='/-_.~')}"
        if query:
            address += f"?{urlencode(query, quote_via=quote, safe='-_.~')}"
        self._renewal.renew()
        signature = _Signature(_keys(self._session, self.store), checksum)
        try:
            answer = self._http.request(
                method,
                address,
                data=content,
                auth=signature,
                stream=stream,
                timeout=_TIMEOUT,
                # An argument, because `requests` lets variables of the environment replace what its session trusts.
                verify=self.store.authorities or ssl.get_default_verify_paths().cafile or True,
                allow_redirects=False,
            )
        except requests.exceptions.SSLError:
            reason = f"the certificate of {self.store.host} is not trusted; let AWS_CA_BUNDLE name its authority"
            raise self._failed(reason) from None
        except requests.RequestException as error:
            reason = f"{self.store.host} does not answer ({type(error).__name__}); check AWS_ENDPOINT_URL"
            raise self._failed(reason) from None
        if answer.ok and not answer.is_redirect:
            return answer
        code = next(iter(_CODE.findall(answer.text[:10_000])), "")
        if may_lack and answer.status_code == requests.codes.not_found and code in {"", _MISSING}:
            return answer
        code = code or ("PermanentRedirect" if answer.is_redirect else "")
        reason = _REASONS.get(code, "{host} refuses to {what} ({code})")
        raise self._failed(reason.format(host=self.store.host, what=what, code=code or answer.status_code))

    def _failed(self, reason: str) -> LakeUnavailable:
        return LakeUnavailable(f"CAF_LAKE_DATA is {self._settings.lake_data}, and {reason}")


def versioning_of(answer: str) -> str:
    """Return what a store's answer to the question for versioning says: see `Objects.versioning`."""
    if "<VersioningConfiguration" not in answer:
        return "unknown"
    return next(iter(re.findall(r"<Status>(Enabled|Suspended)</Status>", answer)), "never")


def _session(settings: Settings, store: ObjectStore) -> duckdb.DuckDBPyConnection:
    """
    Let DuckDB look for credentials, so that this client has those with which DuckDB reads and writes.

    Nobody else gets this session, because it may show secrets.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "allow_unsigned_extensions": True,
        "allow_unredacted_secrets": True,
        "allow_persistent_secrets": False,
    }
    session = duckdb.connect(config=config)
    try:
        for name in ("httpfs", "aws"):
            session.execute(f"LOAD {quoted(extension_file(name))}")
        session.execute(store.secret())
    except duckdb.Error:
        session.close()
        # The text of the error may repeat what DuckDB has found.
        raise LakeUnavailable(without_credentials(settings)) from None
    return session


def _keys(session: duckdb.DuckDBPyConnection, store: ObjectStore) -> _Keys:
    (text,) = one_row(session.execute("SELECT secret_string FROM duckdb_secrets(redact => false)"))
    parts = dict(one.partition("=")[::2] for one in str(text).split(";"))
    region = store.region or parts.get("region") or "us-east-1"
    return _Keys(parts.get("key_id", ""), parts.get("secret", ""), parts.get("session_token", ""), region)


class _Signature(requests.auth.AuthBase):
    """Signs a request (AWS Signature Version 4)."""

    def __init__(self, keys: _Keys, checksum: str) -> None:
        self._keys, self._checksum = keys, checksum

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Add the headers with the time, the checksum of the content and the signature."""
        keys, at = self._keys, datetime.now(UTC).strftime(_DATE)
        parts = urlsplit(str(request.url))
        signed = {"host": parts.netloc, "x-amz-content-sha256": self._checksum, "x-amz-date": at}
        if keys.session_token:
            signed["x-amz-security-token"] = keys.session_token
        query = sorted(parse_qsl(parts.query, keep_blank_values=True))
        canonical = "\n".join(
            (
                str(request.method),
                parts.path,
                urlencode(query, quote_via=quote, safe="-_.~"),
                *(f"{name}:{value}" for name, value in signed.items()),
                "",
                ";".join(signed),
                self._checksum,
            )
        )
        scope = f"{at[:8]}/{keys.region}/s3/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{keys.secret}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        request.headers.update({name: value for name, value in signed.items() if name != "host"})
        request.headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={keys.key_id}/{scope}, SignedHeaders={';'.join(signed)}, "
            f"Signature={hmac.digest(key, text.encode(), 'sha256').hex()}"
        )
        return request
