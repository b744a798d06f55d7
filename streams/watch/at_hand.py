"""
Freed memory stays at hand for the next batch.

The operators of a plan take the same thousands of small buffers in each batch and give them back; left to their
defaults, the allocators spend a third of a batch's CPU on sorting them in and out.
They read their settings when a process starts, so it starts once more with them.
"""

import os
import sys

__all__ = ["keep_at_hand"]

_SETTINGS = {
    # glibc's, for C++ objects: how many freed pieces of each size a thread keeps; 7 if nothing is said.
    "GLIBC_TUNABLES": "glibc.malloc.tcache_count=20000",
    # jemalloc's inside DuckDB, for vectors: how many a thread keeps, and that it keeps them.
    "DUCKDB_JE_MALLOC_CONF": "tcache_max:262144,tcache_nslots_large:4000,tcache_nslots_small_max:2000,"
    "tcache_gc_incr_bytes:100000000,dirty_decay_ms:-1,muzzy_decay_ms:-1",
}


def keep_at_hand() -> None:
    """Start this process again, under the same id, unless the settings are there; what the user has set, stays."""
    missing = {name: value for name, value in _SETTINGS.items() if name not in os.environ}
    if missing:
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **missing})
