"""Write dbt's pages about the models to one HTML file: the columns' descriptions, the definitions and the lineage."""

import shutil
import tempfile
from pathlib import Path

from streams.errors import BuildFailed
from streams.settings import PROJECT

__all__ = ["write_model_docs"]

_PROJECT = PROJECT / "dbt_project"


def write_model_docs(target: Path) -> Path:
    """
    Write the pages as one file. Reading this file needs no server, no network and no lake.

    Raises:
        BuildFailed: dbt cannot read or compile the project.
    """
    from dbt.cli.main import dbtRunner

    with tempfile.TemporaryDirectory(prefix="caf-docs-") as folder:
        places = ["--project-dir", str(_PROJECT), "--profiles-dir", str(_PROJECT)]
        files = ["--target-path", folder, "--log-path", folder]
        # The pages show the contents of the models' files, and nothing from a lake. So the pages are the same
        # everywhere.
        outcome = dbtRunner().invoke(["docs", "generate", "--quiet", "--static", "--empty-catalog", *places, *files])
        if not outcome.success:
            raise BuildFailed(f"dbt could not write its pages: {outcome.exception or 'it cannot compile a model'}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(folder) / "static_index.html", target)
    return target
