"""The environment of programs that the stack starts."""

import os
import sys
from pathlib import Path

from streams.settings import PROJECT, Settings

__all__ = ["project_environment"]

NO_TELEMETRY = {
    "SCARF_ANALYTICS": "false",
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
}


def project_environment(settings: Settings) -> dict[str, str]:
    """
    Return the environment variables with which a program uses these settings, and finds the project and its
    commands.
    """
    python_path = [str(PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])]
    path = [str(Path(sys.executable).parent), *filter(None, [os.environ.get("PATH")])]
    return {
        **settings.to_env(),
        **NO_TELEMETRY,
        "PYTHONPATH": os.pathsep.join(dict.fromkeys(python_path)),
        "PATH": os.pathsep.join(dict.fromkeys(path)),
    }
