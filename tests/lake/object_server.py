"""A real S3 server for the tests: it checks signatures, and keeps each object as a file."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from streams.stack.ports import free_ports, listens
from streams.times import wait_for

__all__ = ["BUCKET", "ObjectServer"]

BUCKET = "council"
_REQUEST = re.compile(r'"([A-Z]+) (/\S*) HTTP')


class ObjectServer:
    """
    The server, with one bucket.

    Args:
        folder: where it keeps its files.
    """

    def __init__(self, folder: Path) -> None:
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.bucket = folder / "data" / BUCKET
        self.bucket.mkdir(parents=True)
        self._options, self._log = folder / "options.toml", folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, keys: Mapping[str, str], tls: tuple[Path, Path] | None = None) -> None:
        """
        Start the server for whoever signs with one of these access keys and its secret.

        Args:
            tls: the files with the server's certificate and its key. Without them, the server uses no TLS.
        """
        self._options.write_text(
            "".join(f'[[users]]\naccess_key = "{key}"\nsecret_key = "{secret}"\n' for key, secret in keys.items())
        )
        command = [sys.executable, "-m", "uvicorn", "--factory", "nanio.app:build_app", "--port", str(self.port)]
        if tls:
            command += ["--ssl-certfile", str(tls[0]), "--ssl-keyfile", str(tls[1])]
        own = {"NANIO_OPTIONS_FILE": str(self._options), "NANIO_DATA_DIR": str(self.bucket.parent)}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=os.environ | own, stdout=log, stderr=subprocess.STDOUT)
        assert wait_for(lambda: listens(self.port), 60, every=0.05)

    def stop(self) -> None:
        """Stop the server. The objects stay."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def objects(self, below: str = "") -> dict[str, bytes]:
        """The content of each object whose name begins with a text, by its name."""
        files = ((str(file.relative_to(self.bucket)), file) for file in self.bucket.rglob("*") if file.is_file())
        return {name: file.read_bytes() for name, file in files if name.startswith(below) and not name.startswith(".")}

    def requests(self) -> list[tuple[str, str]]:
        """The method and path of each request so far."""
        return _REQUEST.findall(self._log.read_text())
