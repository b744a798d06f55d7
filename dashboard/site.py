"""What all pages share (settings, lake, board of alerts, freshness, logins), and the request of one reader."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from dashboard.access.areas import area_of
from dashboard.access.audience import Audience
from dashboard.access.login import Door, Who
from dashboard.access.openings import Openings
from dashboard.access.seen import Seen
from dashboard.drawing import charts
from dashboard.live.changes import Changes
from dashboard.live.freshness import Freshness
from dashboard.live.latest_alerts import LatestAlerts
from dashboard.live.sender import Sender
from dashboard.live.watchdog import Watchdog
from dashboard.reading.daily import Daily
from dashboard.reading.reader import Reader
from streams.audit.recorder import Recorder
from streams.contracts.outputs import Alert
from streams.health.look import Holds
from streams.rules.compiled import compiled_rules
from streams.rules.register import Entry, register
from streams.settings import Settings

__all__ = ["Asked", "NotTheirs", "Site"]


class NotTheirs(Exception):
    """
    A reader who may see some alerts asked for another one, or for one that does not exist.

    Both look the same to the reader. The arguments are the alert that exists, for the audit.
    """


class Site:
    """Everything that the pages of one home share."""

    def __init__(self, settings: Settings, holds: Holds | None = None) -> None:
        self.settings = settings = settings.acting_as("pages")
        self.reader = Reader(settings)
        self.daily = Daily()
        self.changes = Changes()
        self.board = LatestAlerts(settings, self.reader, lambda: self.changes.say("alerts"))
        self.pulse = Freshness(self.reader, lambda: self.changes.say("figures"))
        self.watchdog = Watchdog(settings, self.reader, holds)
        self.recorder = Recorder(settings)
        self.door = Door(settings, self.recorder)
        self.seen = Seen(self.recorder)
        self.openings = Openings(settings.home)
        self.sender = Sender(self.recorder)

    @cached_property
    def rules(self) -> list[Entry]:
        """The project's register of rules, read at the first request."""
        return register(compiled_rules(self.settings, with_build_rules=True))

    def start(self) -> None:
        """Start the background threads."""
        self.pulse.start()
        self.watchdog.start()
        self.board.start()
        self.sender.start()
        threading.Thread(target=self._warm, name="warm", daemon=True).start()

    def _warm(self) -> None:
        """Prepare what would otherwise take seconds at the first request."""
        charts.warm()
        _ = self.rules

    def end(self) -> None:
        """Stop the background threads, and close the lake."""
        self.watchdog.end()
        self.board.end()
        self.pulse.end()
        self.sender.end()
        self.changes.end()
        self.recorder.close()
        self.reader.close()


@dataclass(frozen=True)
class Asked:
    """
    A reader's request: who the reader is, and the values from the address.

    A view adds each alert that the page shows to `alerts`, and each family that the page is about to `families`, so
    that the audit records who has seen it.
    """

    site: Site
    who: Who
    query: Mapping[str, str] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)
    families: list[str] = field(default_factory=list)
    opened: Mapping[str, float] = field(default_factory=dict)
    """The families that the reader has open in an emergency, each with the time at which that ends."""
    token: str = ""
    """The token for forms of the reader's session."""
    request: str = ""
    """Stands for the reader's session and the whole address, and contains neither."""

    @property
    def audience(self) -> Audience:
        """The audience for which the page is made."""
        return self.who.audience

    @property
    def is_desk(self) -> bool:
        """Whether the reader may see all families, and small counts."""
        return self.audience is Audience.DESK

    @property
    def sees_alerts(self) -> bool:
        """Whether the reader may see single alerts, be it of all areas or of some."""
        return self.audience >= Audience.AREA

    def is_theirs(self, alert: Alert) -> bool:
        """Whether the alert is in an area of the reader's account. An account of the whole desk has all areas."""
        return self.is_desk or (self.sees_alerts and area_of(alert) in self.who.areas)

    def may_see(self, alert: Alert) -> bool:
        """Whether the reader may see the alert: it is theirs, or they have its family open in an emergency."""
        return self.is_theirs(alert) or (self.sees_alerts and alert.family_id in self.opened)

    @property
    def authority(self) -> str:
        """GSS code of the authority whose figures are shown."""
        return self.site.settings.authority

    def choice(self, name: str, allowed: Mapping[str, object] | list[str], default: str) -> str:
        """Return what the reader chose from a list. If the list does not contain it, return the default."""
        given = self.query.get(name, default)
        return given if given in allowed else default

    def step(self, count: int) -> int:
        """
        Return which time step the reader chose, from 0 to `count` - 1.

        If the number is missing or invalid, return the last step.
        """
        given = self.query.get("step", "")
        return min(int(given), count - 1) if given.isdecimal() and len(given) < 6 else count - 1
