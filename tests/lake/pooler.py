"""A real connection pooler in front of the PostgreSQL server of the test run."""

import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from streams.lake.postgres import Postgres
from streams.settings import Settings
from streams.stack.ports import free_ports, listens

PATIENCE = 20


@contextmanager
def pooled(settings: Settings, postgres: Postgres, folder: Path, **config: object) -> Iterator[Settings]:
    """Settings whose PostgreSQL server is PgBouncer. The test is skipped if PgBouncer is not installed."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if program is None:
        pytest.skip("PgBouncer is not installed; '.ci/run' installs it where it may")
    socket, port = Path(parse_qs(urlsplit(postgres.url).query)["host"][0]), free_ports(1)[0]
    owner = pwd.getpwuid(socket.stat().st_uid).pw_name
    values = {
        "listen_addr": "127.0.0.1",
        "listen_port": port,
        "unix_socket_dir": "",
        "auth_type": "any",
        "ignore_startup_parameters": "extra_float_digits",
        **({"user": owner} if os.geteuid() == 0 else {}),
        **config,
    }
    lines = ["[databases]", f"* = host={socket} user=postgres", "[pgbouncer]"]
    (folder / "pgbouncer.ini").write_text("\n".join([*lines, *(f"{name} = {value}" for name, value in values.items())]))
    for part in folder, folder.parent, folder.parent.parent:
        part.chmod(0o755)  # PgBouncer runs as PostgreSQL's owner, who may not read pytest's folders
    with (folder / "pgbouncer.log").open("wb") as log:
        process = subprocess.Popen([program, folder / "pgbouncer.ini"], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + PATIENCE
        while not listens(port) and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert listens(port), (folder / "pgbouncer.log").read_text()
        yield replace(settings, postgres=f"postgresql://postgres@127.0.0.1:{port}/postgres")
    finally:
        process.kill()
        process.wait()
