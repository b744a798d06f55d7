"""What the pages show when figures are missing or old: no lake, no build, old figures, a failed build."""

from datetime import UTC, datetime, timedelta

import pytest
import requests

from dashboard.access.accounts import Accounts
from dashboard.drawing.render import staleness
from dashboard.live.freshness import Beat
from dashboard.pages import PAGES
from tests.dashboard.conftest import Served, await_true

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


ADDRESSES = [address for address, page in PAGES.items() if page.name]
WITHOUT_FIGURES = {"families"}
"""The page on which a family is chosen."""


def desk_of(served: Served) -> tuple[requests.Session, requests.Response]:
    Accounts(served.settings.home).add(served.name, served.password)
    return served.log_in()


def test_everybody_is_told_that_nothing_is_published_and_how_to_see_more(no_build: Served) -> None:
    await_true(lambda: "No figures have been built yet" in no_build.get("/").text)
    answer = no_build.get("/map")

    assert answer.status_code == 200
    assert "Nothing has been published yet" in answer.text
    assert "The first quarter will be published 28 days after its end" in answer.text
    assert '<a href="/login?to=/map">' in answer.text


def test_without_a_lake_everybody_is_told_so_and_the_rules_still_stand(no_lake: Served) -> None:
    answers = [no_lake.get(path) for path in ("/", "/map", "/rules", "/rules/adult_returns")]

    assert [answer.status_code for answer in answers] == [200, 503, 200, 200]
    assert all("The lake does not answer" in answer.text for answer in answers)


def test_without_a_lake_every_page_says_so_and_the_rules_still_stand(no_lake: Served) -> None:
    session, _ = desk_of(no_lake)
    answers = {address: no_lake.get(f"/{address}", session) for address in ADDRESSES}

    assert {answer.status_code for answer in answers.values()} <= {200, 503}
    assert answers["map"].status_code == 503
    assert all("The lake does not answer" in answer.text for answer in answers.values())


def test_before_the_first_build_every_page_says_so(no_build: Served) -> None:
    await_true(lambda: "No figures have been built yet" in no_build.get("/").text)
    session, _ = desk_of(no_build)
    for address in set(ADDRESSES) - WITHOUT_FIGURES:
        answer = no_build.get(f"/{address}", session)

        assert answer.status_code in {200, 404}, address
        assert 'class="empty"' in answer.text or "Not built yet" in answer.text, address


@pytest.mark.parametrize(
    ("beat", "says"),
    [
        (Beat(asked_at=NOW, is_lake_there=False), "The lake does not answer"),
        (
            Beat(asked_at=NOW, is_lake_there=True, as_of=NOW, failed=("fct_alerts",)),
            "The latest build of figures failed",
        ),
        (Beat(asked_at=NOW, is_lake_there=True, as_of=NOW - timedelta(hours=3)), "Live figures are 3 hours old"),
        (Beat(asked_at=NOW, is_lake_there=True, as_of=NOW - timedelta(minutes=14)), ""),
        (Beat(asked_at=NOW, is_lake_there=True), ""),
    ],
)
def test_what_is_old_is_called_old(beat: Beat, says: str) -> None:
    sentence = staleness(beat, NOW, stale_minutes=15)

    assert sentence.startswith(says)
    assert bool(sentence) == bool(says)
