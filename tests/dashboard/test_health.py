"""What the pages say about failed parts, and to which audience."""

from datetime import UTC, datetime

import pytest

from dashboard.access.audience import Audience
from dashboard.access.login import Who
from dashboard.site import Asked, Site
from dashboard.views.health import Stage, stages
from streams.health.look import Health
from streams.health.row import Row
from streams.settings import Settings

SENTENCE = "land failed 9 s ago with LakeUnavailable; read the output of process 77 on here"


@pytest.fixture
def site(settings: Settings) -> Site:
    """The server side of the pages, after a health check that found one part failed, one held and one running."""
    site = Site(settings)
    site.watchdog.health = Health(
        looked_at=datetime.now(UTC),
        servers=[Row(part="kafka", state="does not answer", level="red", says="kafka does not answer within 10 s")],
        parts=[
            Row(part="watch", state="running"),
            Row(part="land", state="failed", level="red", says=SENTENCE),
            Row(part="build", state="held", level="amber", says="build is held: referral.volume"),
        ],
    )
    return site


def shown(site: Site, audience: Audience) -> dict[str, Stage]:
    return {stage.name: stage for stage in stages(Asked(site, Who("sam", audience)))}


def test_everybody_is_told_which_part_is_ill_and_only_the_desk_why(site: Site) -> None:
    """The explanations contain the names of processes, machines and errors, so only the desk sees them."""
    everybody, desk = shown(site, Audience.EVERYBODY), shown(site, Audience.DESK)

    assert not everybody["Landing"].is_well
    assert everybody["Landing"].says.endswith("failed")
    assert desk["Landing"].says == SENTENCE
    assert everybody["Kafka"] == Stage("Kafka", False, "does not answer")


def test_the_watcher_is_well_though_nothing_lands(site: Site) -> None:
    """The watcher's state comes from its process. The last heartbeat that landed would be old."""
    assert shown(site, Audience.EVERYBODY)["The watcher"] == Stage("The watcher", True, "running")


def test_what_is_amber_is_told_and_not_ill(site: Site) -> None:
    figures = shown(site, Audience.EVERYBODY)["Figures"]

    assert figures.is_well
    assert figures.says.endswith("held")
