"""
Act on alerts with the library: `python library.py 127.0.0.1:19092 my-desk subscriber.properties`.

The last argument is the file with the login, which the people who run the broker give you.

After a restart, the program continues where it stopped. The library drops repeats. Once an alert has been given to
`act`, all later versions of it are given as well, even if they are no longer red.
"""

import sys

from streams import subscribe
from streams.contracts.outputs import Alert


def act(alert: Alert) -> None:
    """Act on one alert. Put your own code here."""
    print(alert.alert_id, alert.version, alert.severity, alert.status, alert.rule, flush=True)


bootstrap, group, login = sys.argv[1:]
for alert in subscribe(bootstrap, login=login, group=group, severity="red", start="oldest"):
    act(alert)
