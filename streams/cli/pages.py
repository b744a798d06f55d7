"""`./caf pages`: serve the pages."""

import click

from streams.settings import Settings
from streams.stack.ports import check_port

__all__ = ["command"]

_CONNECTIONS = 800
"""How many connections the server has at once. More get the status 503. Pages that update themselves have up to 500."""


@click.command("pages")
def command() -> None:
    """
    Serve the pages on CAF_DASHBOARD_HOST and CAF_DASHBOARD_PORT until this command is stopped. './caf up' starts it.

    The pages read the lake and the alerts topic. They write to the audit, which records what accounts see, and an event
    when somebody opens a family in an emergency.

    Without an account, everybody sees what is published. With an account ('./caf desk'), people see live figures, or
    everything, depending on the role of the account.
    """
    import uvicorn

    from dashboard.app import app
    from expectations import holds

    settings = Settings.from_env()
    check_port(settings.dashboard_port, "CAF_DASHBOARD_PORT")
    click.echo(f"Pages     http://{settings.dashboard_host}:{settings.dashboard_port}", err=True)
    uvicorn.run(
        app(settings, holds=holds),
        host=settings.dashboard_host,
        port=settings.dashboard_port,
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        proxy_headers=bool(settings.dashboard_proxies),
        forwarded_allow_ips=settings.dashboard_proxies or None,
        timeout_graceful_shutdown=1,
    )
