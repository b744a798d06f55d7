"""A process starts once more with its allocators' settings."""

import os
import subprocess
import sys

from streams.settings import PROJECT

_PROGRAM = """
import os, sys
print("started", os.getpid(), flush=True)
from streams.watch.at_hand import keep_at_hand
keep_at_hand()
print("goes on", os.getpid(), os.environ["GLIBC_TUNABLES"], "DUCKDB_JE_MALLOC_CONF" in os.environ, *sys.argv[1:])
"""


def run(**environ: str) -> list[str]:
    command = [sys.executable, "-c", _PROGRAM, "--for", "1"]
    kept = {
        name: value for name, value in os.environ.items() if name not in {"GLIBC_TUNABLES", "DUCKDB_JE_MALLOC_CONF"}
    }
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**kept, "PYTHONPATH": str(PROJECT), **environ}
    )
    return done.stdout.splitlines()


def test_it_starts_once_more_under_the_same_id_and_with_the_same_arguments():
    first, second, last = run()

    assert first == second
    assert last.split()[2:] == [first.split()[1], "glibc.malloc.tcache_count=20000", "True", "--for", "1"]


def test_what_the_user_has_set_stays():
    *_, last = run(GLIBC_TUNABLES="glibc.malloc.check=0")

    assert "glibc.malloc.check=0" in last
