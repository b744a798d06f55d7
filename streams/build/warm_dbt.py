"""
dbt kept warm: imported and parsed once, then run again and again in this process.

One thread: several at a time in one process that writes through DuckLake have crashed it.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from streams.errors import BuildFailed
from streams.lake.connect import catalog_dsn, data_path, install_extensions, lies_in_home
from streams.names import CATALOG_LANDING, CATALOG_MARTS
from streams.settings import PROJECT, Settings

__all__ = ["WarmDbt", "dbt_environment", "seeds_checksum"]

_PROJECT = PROJECT / "dbt_project"


def dbt_environment(settings: Settings, into: Path | None = None) -> dict[str, str]:
    """
    The variables from which the profile attaches the catalogs; `into` is the file that the target `file` publishes to.

    Raises:
        LakeUnavailable: the catalog's database does not answer.
    """
    lake = f"ducklake:postgres:{catalog_dsn(settings)}"
    return {
        "CAF_DBT_LANDING": lake,
        "CAF_DBT_LANDING_DATA": data_path(settings, CATALOG_LANDING),
        "CAF_DBT_MARTS": lake,
        "CAF_DBT_MARTS_DATA": data_path(settings, CATALOG_MARTS),
        "CAF_DBT_OVERRIDE_DATA_PATH": str(lies_in_home(settings)).lower(),
        **({"CAF_DBT_FILE": str(into)} if into else {}),
    }


def seeds_checksum() -> str:
    """Changes when a seed changes, so that an unchanged one is not loaded again."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted((_PROJECT / "seeds").iterdir()):
        if path.suffix in {".csv", ".yml"}:
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


class WarmDbt:
    """A `dbtRunner` with its manifest; it publishes to the lake, or into a file."""

    def __init__(self, settings: Settings, into: Path | None = None) -> None:
        self._settings = settings
        self._into = into
        self._manifest: Any = None
        self.log_folder = settings.home / "dbt" / "logs"

    def warm(self) -> None:
        """
        Import and parse now, unless it has been done.

        Raises:
            BuildFailed: the project cannot be parsed.
        """
        if self._manifest is None:
            self._manifest = self._parse()

    def build(self, *options: str) -> list[str]:
        """
        Run `dbt build`; returns the ids of nodes that failed or were skipped, empty when all is well.

        Raises:
            BuildFailed: dbt could not run at all.
        """
        self.warm()
        outcome = self._invoke("build", *options)
        if outcome.result is None:
            raise self._failed(outcome)
        return [
            result.node.unique_id for result in outcome.result.results if result.status in {"error", "fail", "skipped"}
        ]

    def _parse(self) -> Any:
        os.environ.update(dbt_environment(self._settings, self._into))
        install_extensions()
        outcome = self._invoke("parse")
        if not outcome.success:
            raise self._failed(outcome)
        return outcome.result

    def _invoke(self, verb: str, *options: str) -> Any:
        from dbt.cli.main import dbtRunner

        return dbtRunner(manifest=self._manifest).invoke([verb, *self._places(), *options])

    def _places(self) -> Sequence[str]:
        target: Path = self._settings.home / "dbt" / "target"
        return [
            "--project-dir", str(_PROJECT), "--profiles-dir", str(_PROJECT),
            "--target", "file" if self._into else "lake",
            "--target-path", str(target), "--log-path", str(self.log_folder), "--log-level-file", "warn",
            # What costs time in every build and is of no use: lines for a console, files, a look at all tables.
            "--quiet", "--log-level", "none", "--no-write-json", "--no-populate-cache",
        ]  # fmt: skip

    def _failed(self, outcome: Any) -> BuildFailed:
        return BuildFailed(f"dbt could not run ({type(outcome.exception).__name__}); its log is in {self.log_folder}")
