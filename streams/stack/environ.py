"""The environment of programs that the stack starts."""

import os
import sys
from pathlib import Path

from streams.settings import PROJECT, Settings

__all__ = ["environment_of_servers", "project_environment"]

NO_TELEMETRY = {
    "SCARF_ANALYTICS": "false",
    "DO_NOT_TRACK": "1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "GX_ANALYTICS_ENABLED": "false",
}


def environment_of_servers() -> dict[str, str]:
    """
    Return this process's environment without what is for an object store, because an environment is easy to see.

    PostgreSQL and Kafka run with it: only programs of the project open the lake.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}


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
