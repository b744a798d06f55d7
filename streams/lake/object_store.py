"""
The object store that holds the lake's files, if `CAF_LAKE_DATA` names one.

Its address, region and credentials come from the standard variables and files of AWS (`AWS_ENDPOINT_URL_S3`,
`AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SHARED_CREDENTIALS_FILE`, web identity, instance roles …). No setting of `caf`
holds a secret for it. So nothing that prints or passes on settings can show one.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from streams.errors import SettingInvalid
from streams.lake.quoted import quoted
from streams.settings import Settings

__all__ = ["NO_CREDENTIALS", "ObjectStore", "without_credentials"]

NO_CREDENTIALS = "Secret Validation Failure"
"""With these words, DuckDB says that it found no credentials."""

_NAME = "caf_lake"
_AWS = "s3.amazonaws.com"
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_REGIONS = ("AWS_REGION", "AWS_DEFAULT_REGION")


@dataclass(frozen=True, kw_only=True)
class ObjectStore:
    """
    Where the objects of the lake are.

    Attributes:
        bucket: the name of the bucket.
        prefix: what the names of all objects of the lake begin with, without `/` at its ends. It may be empty.
        endpoint: `host` or `host:port` of the store's own address. If empty, the store is AWS.
        region: the region that the environment names. If empty, DuckDB looks for it in AWS's configuration files.
        is_tls: whether the store is reached over TLS.
        is_path_style: whether the bucket is in the path of an address, and not in its host name.
        authorities: file with the certificates of the authorities that may vouch for the store. If empty, those of the
            machine may.
    """

    bucket: str
    prefix: str
    endpoint: str
    region: str
    is_tls: bool
    is_path_style: bool
    authorities: str

    @classmethod
    def of(cls, settings: Settings, environ: Mapping[str, str] | None = None) -> "ObjectStore | None":
        """
        Return the object store of the lake, or None if its files are in a folder.

        Raises:
            SettingInvalid: the environment names an endpoint that is no address, or a file that does not exist.
        """
        if not settings.is_in_object_store:
            return None
        environ = os.environ if environ is None else environ
        place = urlsplit(settings.lake_data)
        endpoint, is_tls = _endpoint(environ)
        authorities = environ.get("AWS_CA_BUNDLE", "")
        if authorities and not Path(authorities).is_file():
            raise SettingInvalid(f"AWS_CA_BUNDLE is {authorities!r}; allowed: a file that exists")
        style = settings.lake_url_style or ("path" if endpoint else "vhost")
        return cls(
            bucket=place.netloc,
            prefix=place.path.strip("/"),
            endpoint=endpoint,
            region=next((value for name in _REGIONS if (value := environ.get(name, ""))), ""),
            is_tls=is_tls,
            is_path_style=style == "path",
            authorities=authorities,
        )

    @property
    def url(self) -> str:
        """The address that all objects of the lake begin with, as `CAF_LAKE_DATA` writes it."""
        return "/".join(filter(None, ("s3:/", self.bucket, self.prefix)))

    @property
    def host(self) -> str:
        """`host` or `host:port` to which requests are sent."""
        return self.endpoint or (_AWS if not self.region else f"s3.{self.region}.amazonaws.com")

    @property
    def is_open_to_listeners(self) -> bool:
        """Whether others in the network could read what is sent: there is no TLS, and the store is not on this host."""
        return not self.is_tls and not _is_loopback(urlsplit(f"//{self.host}").hostname or "")

    def statements(self) -> list[str]:
        """Return the statements with which a DuckDB session can open the lake's objects. They contain no secret."""
        trust = [f"SET ca_cert_file = {quoted(self.authorities)}"] if self.authorities else []
        return [*trust, self.secret()]

    def secret(self) -> str:
        """
        Return the statement that lets a DuckDB session find credentials for the lake, in the order of AWS's own tools.

        The statement contains no secret, so it may be printed. A session that stays open needs a `Renewal` too.
        """
        options = [f"SCOPE {quoted(self.url)}", f"USE_SSL {str(self.is_tls).lower()}"]
        options.append(f"URL_STYLE {quoted('path' if self.is_path_style else 'vhost')}")
        if self.endpoint:
            options.append(f"ENDPOINT {quoted(self.endpoint)}")
        if self.region:
            options.append(f"REGION {quoted(self.region)}")
        found = "TYPE s3, PROVIDER credential_chain, REFRESH auto"
        return f"CREATE OR REPLACE SECRET {_NAME} ({found}, {', '.join(options)})"


def without_credentials(settings: Settings) -> str:
    """Return the sentence for an environment in which there are no credentials."""
    return (
        f"CAF_LAKE_DATA is {settings.lake_data}, and no credentials for it were found; set AWS_ACCESS_KEY_ID and "
        "AWS_SECRET_ACCESS_KEY, AWS_SHARED_CREDENTIALS_FILE, or give the machine a role"
    )


def _endpoint(environ: Mapping[str, str]) -> tuple[str, bool]:
    """Return the host and port of the endpoint, and whether it is reached over TLS."""
    variable = next((name for name in _ENDPOINTS if environ.get(name)), None)
    if variable is None:
        return "", True
    try:
        parts = urlsplit(environ[variable])
        is_address = parts.scheme in {"http", "https"} and parts.hostname and (parts.port or 1)
    except ValueError:
        is_address = False
    # An address with a name and password is not repeated in the error.
    if not is_address or parts.username or parts.password or parts.path.strip("/") or parts.query:
        raise SettingInvalid(f"{variable} is no address of an object store; allowed: http(s)://host[:port]")
    return parts.netloc, parts.scheme == "https"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
