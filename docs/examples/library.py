"""
Act on alerts with the library: `python library.py localhost:19092 my-desk`.

After a restart, the program continues where it stopped. The library drops repeats. Once an alert has been given to
`act`, all later versions of it are given as well, even if they are no longer red.
"""

import sys

from streams import subscribe
from streams.contracts.outputs import Alert


def act(alert: Alert) -> None:
    """Act on one alert. Put your own code here."""
    print(alert.alert_id, alert.version, alert.severity, alert.status, alert.rule, flush=True)


bootstrap, group = sys.argv[1:]
for alert in subscribe(bootstrap, group=group, severity="red", start="oldest"):
    act(alert)
