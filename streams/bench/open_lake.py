"""A lake whose files are not encrypted, with which `./caf bench trust` compares the lake of a home."""

from streams.lake.connect import catalog_dsn, create_catalog
from streams.names import CATALOG_LANDING, CATALOG_MARTS
from streams.settings import Settings

__all__ = ["make_open_lake"]


def make_open_lake(settings: Settings) -> None:
    """
    Make the catalogs of a lake that is not encrypted, as earlier versions did. No setting of a home makes one.

    Raises:
        LakeUnavailable: PostgreSQL does not answer.
    """
    dsn = catalog_dsn(settings)
    for catalog in (CATALOG_LANDING, CATALOG_MARTS):
        create_catalog(settings, dsn, catalog, is_encrypted=False)
