"""
Java archives that a lock names with their checksums, downloaded from Maven Central into this machine's Maven cache.

`python -m streams.stack.maven COORDINATE…` prints a lock with the given archives and all archives that they need.
"""

import fcntl
import hashlib
import os
import ssl
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import jgo
import requests
from jgo.constants import default_maven_repo
from jgo.maven import MavenContext

from streams.errors import StackFailed
from streams.stack.processes import Say

__all__ = ["jars", "lock"]

DOWNLOADS = 4
"""How many archives are downloaded at the same time."""


def jars(lock_file: Path, home: Path, say: Say) -> list[Path]:
    """
    Return the files of all archives in a lock. Missing or damaged archives are downloaded.

    Args:
        home: folder that keeps the archives if the Maven cache (`M2_REPO`, else `~/.m2/repository`) is not writable.

    Raises:
        StackFailed: an archive cannot be downloaded, or its checksum differs from the lock.
    """
    locked = dict(line.split() for line in lock_file.read_text().splitlines())
    with _repository(home) as repository:
        context = MavenContext(repo_cache=repository, timeout=60)
        artifacts = {name: context.create_dependency(name).artifact for name in locked}
        missing = [name for name, artifact in artifacts.items() if _checksum(_file(artifact)) != locked[name]]
        if missing:
            say(f"Fetching {len(missing)} Java archives of {lock_file.stem} from Maven Central into {repository} …")
        with ThreadPoolExecutor(DOWNLOADS) as pool:
            fetched = pool.map(lambda name: _fetch(artifacts[name], name, locked[name]), missing)
            for done, _ in enumerate(fetched, start=1):
                if done % 10 == 0 or done == len(missing):
                    say(f"  {done} of {len(missing)}")
        return [_file(artifact) for artifact in artifacts.values()]


def lock(coordinates: Sequence[str]) -> str:
    """
    Return the text of a lock with all archives that the coordinates need: one line `group:name:version sha256` for each
    archive.

    Each coordinate is resolved separately. If two coordinates need different versions of an archive, the lock has the
    version that the earlier coordinate needs. If they were resolved together, a later coordinate could change the
    versions that an earlier one needs.
    """
    lines: dict[tuple[str, str], str] = {}
    for item in (item for coordinate in coordinates for item in jgo.resolve(coordinate)):
        line = f"{item.groupId}:{item.artifactId}:{item.version} {_checksum(item.resolve())}\n"
        lines.setdefault((item.groupId, item.artifactId), line)
    return "".join(sorted(lines.values()))


def _fetch(artifact: jgo.maven.Artifact, name: str, checksum: str) -> None:
    _trust_the_systems_certificates()
    # An interrupted download leaves a damaged file with the name of the archive.
    _file(artifact).unlink(missing_ok=True)
    try:
        artifact.resolve()
    except (requests.RequestException, RuntimeError, OSError) as error:
        raise StackFailed(
            f"{name} cannot be fetched from Maven Central ({type(error).__name__}); "
            "check the network, or let M2_REPO name a Maven cache that has it"
        ) from error
    if _checksum(_file(artifact)) != checksum:
        _file(artifact).unlink()
        raise StackFailed(f"{name} from Maven Central has another checksum than the locked one; nothing was started")


def _trust_the_systems_certificates() -> None:
    """
    Make `requests` trust the machine's certificates. The list of `requests` may lack the certificate of an
    organisation's proxy.
    """
    bundle = ssl.get_default_verify_paths().cafile
    if bundle:
        os.environ.setdefault("REQUESTS_CA_BUNDLE", bundle)


def _file(artifact: jgo.maven.Artifact) -> Path:
    """Return the file in which the Maven cache keeps an archive. The file might not exist yet."""
    assert artifact.cached_path is not None, "there is a cache"
    return artifact.cached_path


def _checksum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


@contextmanager
def _repository(home: Path) -> Iterator[Path]:
    """Yield the folder for the archives, and lock it, so that two processes do not download the same archives."""
    for folder in (default_maven_repo(), home / "m2"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            file = (folder / ".caf.lock").open("w")
        except OSError:
            continue
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield folder
        return
    raise StackFailed(f"Java archives can be kept neither in {default_maven_repo()} nor in {home}")


if __name__ == "__main__":
    sys.stdout.write(lock(sys.argv[1:]))
