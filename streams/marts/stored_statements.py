"""
Keep the statements that dbt compiled for a build, so that builds of later processes need not compile them again.

dbt renders every macro, model and log line in each build. With a short history, that takes twice as long as the
statements themselves. The file is named after a checksum of the dbt project. So a changed project has no stored
statements, and dbt compiles it.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec
import structlog

from streams.marts.statements import Statement
from streams.private import write_privately
from streams.rules.compiled import DBT_PROJECT, project_checksum
from streams.settings import Settings

__all__ = ["store_statements", "stored_statements"]

log = structlog.get_logger()


def stored_statements(settings: Settings) -> list[Statement]:
    """Return the stored statements of this version of the project, parents first. The list is empty without them."""
    try:
        return msgspec.json.decode(_file(settings).read_bytes(), type=list[Statement])
    except (OSError, msgspec.DecodeError):
        return []


def store_statements(settings: Settings, statements: Sequence[Statement]) -> None:
    """
    Store the statements of a good build of all models.

    If they cannot be stored, log a warning. The build itself is good, and the next process lets dbt build again.
    """
    try:
        write_privately(_file(settings), msgspec.json.encode(statements))
    except OSError as error:
        log.warning("statements_not_stored", error=type(error).__name__)


def _file(settings: Settings) -> Path:
    return settings.home / "rules" / f"{project_checksum(DBT_PROJECT)}.statements.json"
