"""Check an object store before anything starts that needs it, and say what a person should know about it."""

import secrets
from collections.abc import Callable
from io import BytesIO

import duckdb

from streams.errors import LakeUnavailable
from streams.lake.objects import LIST, Objects
from streams.settings import Settings

__all__ = ["check_objects", "explained", "says_of_versions"]

_CONTENT = b"caf tries whether it may write here\n"

_VERSIONS = {
    "Enabled": "the bucket of CAF_LAKE_DATA keeps versions, so what an erasure removes stays in the bucket",
    "Suspended": "the bucket of CAF_LAKE_DATA has kept versions, and no erasure removes these",
}


def check_objects(settings: Settings, say: Callable[[str], None]) -> None:
    """
    Check that objects can be listed, written, read and removed. If the lake is in a folder, nothing is done.

    The check writes a small object below the prefix of the lake, and removes it.

    Args:
        say: a function that tells a person what does not stop the lake, but is not as it should be.

    Raises:
        LakeUnavailable: the store does not answer, or refuses one of these.
        SettingInvalid: the endpoint is no address.
    """
    if not settings.is_in_object_store:
        return
    with Objects(settings) as objects:
        if objects.store.is_open_to_listeners:
            say(
                f"the lake's object store {objects.store.host} is reached without TLS, so others in the network can "
                "read and change what is sent; let AWS_ENDPOINT_URL begin with https://"
            )
        next(objects.names(most=1), None)
        name = f"caf-check-{secrets.token_hex(8)}"
        objects.write(name, BytesIO(_CONTENT))
        try:
            if b"".join(objects.read(name)) != _CONTENT:
                raise LakeUnavailable(f"{objects.store.host} does not return what was written to {objects.store.url}")
        finally:
            objects.remove(name)
        if sentence := _VERSIONS.get(objects.versioning()):
            say(f"{sentence}; see docs/object-store.md")


def explained(settings: Settings, error: duckdb.Error) -> LakeUnavailable:
    """Return why DuckDB could not read or write an object: which setting is wrong, or what DuckDB itself says."""
    try:
        with Objects(settings) as objects:
            next(objects.names(most=1), None)
    except LakeUnavailable as reason:
        # An analyst need not be allowed to list the bucket, so that is not why a query failed.
        if LIST not in str(reason):
            return reason
    return LakeUnavailable(f"an object of the lake cannot be read or written: {str(error).strip().splitlines()[0]}")


def says_of_versions(settings: Settings) -> list[str]:
    """
    Return what a person must do because the bucket keeps what was removed; nothing if it keeps nothing.

    If the store cannot be asked, a sentence says that too: nobody should take silence for a promise.
    """
    if not settings.is_in_object_store:
        return []
    with Objects(settings) as objects:
        kept = objects.versioning()
    if kept in _VERSIONS:
        return [f"{_VERSIONS[kept]}: remove the noncurrent versions below {settings.lake_data}"]
    if kept == "unknown":
        return [f"{settings.lake_data} does not say whether its bucket keeps versions: ask whoever runs it"]
    return []
