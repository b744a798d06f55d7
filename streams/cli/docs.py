"""`./caf docs`: write pages about the models, their columns and their lineage."""

from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import click

from streams.errors import PortTaken
from streams.settings import Settings

__all__ = ["command"]


@click.command("docs")
@click.option("--into", type=click.Path(path_type=Path, dir_okay=False), help="The file.  [default: in CAF_HOME]")
@click.option(
    "--serve", "port", type=click.IntRange(1, 65_535), metavar="PORT", help="Serve the file on this port until Ctrl-C."
)
def command(*, into: Path | None, port: int | None) -> None:
    """
    Write dbt's pages about all models: columns, definitions, tests, SQL and lineage, as one HTML file.

    Open the file in a browser. It needs no server and no network. It describes only models and contains no data.
    """
    from streams.marts.model_docs import write_model_docs

    click.echo("Writing the pages. This takes half a minute …", err=True)
    written = write_model_docs(into or Settings.from_env().home / "docs" / "models.html")
    click.echo(written)
    if port is not None:
        _serve(written, port)


def _serve(file: Path, port: int) -> None:
    """Serve this file for every path that is requested, because other files in its folder must stay private."""
    page = file.read_bytes()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    except OSError:
        raise PortTaken(f"port {port} is in use; give another one") from None
    click.echo(f"http://127.0.0.1:{port}  (Ctrl-C stops it)", err=True)
    with server, suppress(KeyboardInterrupt):
        server.serve_forever()
