"""dbt's own pages about the models: every column with its description, every definition, the lineage; one HTML file."""

import shutil
import tempfile
from pathlib import Path

from streams.errors import BuildFailed
from streams.settings import PROJECT

__all__ = ["write_model_docs"]

_PROJECT = PROJECT / "dbt_project"


def write_model_docs(target: Path) -> Path:
    """
    Write the pages as one file that needs no server, no network and no lake.

    Raises:
        BuildFailed: dbt cannot read or compile the project.
    """
    from dbt.cli.main import dbtRunner

    with tempfile.TemporaryDirectory(prefix="caf-docs-") as folder:
        places = ["--project-dir", str(_PROJECT), "--profiles-dir", str(_PROJECT), "--target", "stream"]
        files = ["--target-path", folder, "--log-path", folder]
        # What stands in the models is shown, not what a lake holds at the moment: the same pages everywhere.
        outcome = dbtRunner().invoke(["docs", "generate", "--quiet", "--static", "--empty-catalog", *places, *files])
        if not outcome.success:
            raise BuildFailed(f"dbt could not write its pages: {outcome.exception or 'a model cannot be compiled'}")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(folder) / "static_index.html", target)
    return target
