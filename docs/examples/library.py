"""
Act on alerts with the library: `python library.py localhost:19092 my-desk`.

It resumes where it stopped, drops repeats, and follows what it was given to its end.
"""

import sys

from streams import subscribe
from streams.contracts.outputs import Alert


def act(alert: Alert) -> None:
    """What your desk does."""
    print(alert.alert_id, alert.version, alert.severity, alert.status, alert.rule, flush=True)


bootstrap, group = sys.argv[1:]
for alert in subscribe(bootstrap, group=group, severity="red", start="oldest"):
    act(alert)
