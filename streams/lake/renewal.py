"""Renew the credentials for an object store in a session that stays open for hours."""

import time

import duckdb
import structlog

from streams.lake.object_store import ObjectStore
from streams.settings import Settings

__all__ = ["RENEW_SECONDS", "Renewal"]

log = structlog.get_logger()

RENEW_SECONDS = 240.0
"""
Seconds between two renewals. Roles of machines and services renew their credentials at least five minutes before the
earlier ones expire.
"""


class Renewal:
    """
    Renews the credentials of a session.

    DuckDB keeps the credentials that it found first. If the store refuses them with status 401 or 403, DuckDB looks for
    new ones. But AWS refuses expired credentials with status 400, and DuckDB 1.5.5 then does not look. So whoever keeps
    a session open calls `renew` before each piece of work.

    Source: https://github.com/duckdb/duckdb-httpfs/pull/406
    """

    def __init__(self, settings: Settings, session: duckdb.DuckDBPyConnection) -> None:
        self.session = session
        self._store = ObjectStore.of(settings)
        self._renewed_at = time.monotonic()

    def renew(self) -> None:
        """
        Look for new credentials if the last look is some minutes ago, and if the lake is in an object store.

        The session must not be in a transaction. If nothing is found now, the earlier credentials stay: they may still
        be valid.
        """
        if self._store is None or time.monotonic() - self._renewed_at < RENEW_SECONDS:
            return
        try:
            self.session.execute(self._store.secret())
        except duckdb.Error as error:
            log.warning("credentials_not_renewed", error=type(error).__name__)
            return
        self._renewed_at = time.monotonic()
