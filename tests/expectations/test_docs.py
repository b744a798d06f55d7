"""The pages of Great Expectations show which checks ran, and contain no data about people."""

from datetime import timedelta

from expectations import build_docs, validate
from streams.contracts.columns import events_table
from streams.lake.connect import connect

from .conftest import NOON, arrived

PLANTED = {"family_id": "F-PLANTED", "person_ids": ["P-PLANTED"], "referral_id": "R-PLANTED"}


def test_pages_show_what_failed_and_no_planted_value(fresh_settings, tmp_path):
    settings = fresh_settings
    events = [
        arrived("referral-submitted", dict(PLANTED), 0, NOON),
        arrived("case-closed", {"family_id": "F-PLANTED", "case_id": "K-PLANTED"}, 1, NOON),
    ]
    later = [arrived("level-changed", {"family_id": "F-PLANTED"}, 2, NOON + timedelta(hours=1))]
    rows = events_table(events, NOON)  # noqa: F841  (read by name in the statement)
    after = events_table(later, NOON + timedelta(hours=1))  # noqa: F841
    with connect(settings, landing="read_write", marts=None) as lake:
        lake.execute("INSERT INTO landing.main.events BY NAME SELECT * REPLACE ('F PLANTED' AS family_id) FROM rows")
        lake.execute("INSERT INTO landing.main.events BY NAME SELECT * FROM after")
        assert {result.success for result in validate(lake, NOON, NOON)} == {True, False}

    page = build_docs(settings)

    pages = [file.read_text(errors="replace") for file in page.parent.parent.parent.parent.rglob("*") if file.is_file()]
    assert any("referral" in text and "identifier" in text for text in pages)
    assert any("Failed" in text for text in pages)
    assert not [text for text in pages if "planted" in text.lower()]
    assert page.is_relative_to(settings.home)
