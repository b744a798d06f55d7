"""Who gets a letter, and which facts a letter must not reveal."""

from datetime import UTC, datetime

import msgspec
import pytest

from streams.contracts.codesets import Decision, ReferralSource
from streams.rules.answers import DecidedReferral
from streams.tell.referrers.letter import letter_of, says_the_same

AT = datetime(2026, 3, 2, 10, 0)  # noqa: DTZ001  (as the lake has it)
FROM_SCHOOL = DecidedReferral("F-1", "R-1", "2A", "school-7", "mash", AT, is_backfill=False)


def test_agency_is_told_the_decision():
    letter = letter_of(FROM_SCHOOL, None)

    assert (letter.version, letter.feedback_kind, letter.decision) == (1, "outcome", "mash")
    assert (letter.source_code, letter.agency_id, letter.decided_at) == ("2A", "school-7", AT.replace(tzinfo=UTC))


@pytest.mark.parametrize("source", ["1A", "1B", "1C", "1D"])
def test_individual_is_told_no_decision(source):
    """The letters about two decisions are the same, so a corrected decision causes no second letter."""
    one, other = (
        letter_of(FROM_SCHOOL._replace(source_code=source, agency_id=None, decision=decision), None)
        for decision in ("mash", "no_further_action")
    )

    assert (one.feedback_kind, one.decision, one.sentences) == ("acknowledgement", None, other.sentences)
    assert says_the_same(one, other)


@pytest.mark.parametrize("source", ["9", "10"])
def test_nobody_writes_to_an_unknown_referrer(source):
    assert letter_of(FROM_SCHOOL._replace(source_code=source), None) is None


def test_history_gets_no_letter():
    assert letter_of(FROM_SCHOOL._replace(is_backfill=True), None) is None


@pytest.mark.parametrize("decision", [one for one in Decision if one != Decision.EDT])
@pytest.mark.parametrize("source", [one for one in ReferralSource if one not in {"9", "10"}])
def test_letter_names_no_family(source, decision):
    """
    There is a letter for every decision and every referrer.

    No letter reveals who the family is or that the family is already known.
    """
    letter = letter_of(FROM_SCHOOL._replace(source_code=source, decision=decision), None)
    text = msgspec.json.encode(letter).decode()

    assert "F-1" not in text
    assert "already" not in " ".join(letter.sentences)


def test_letter_on_a_corrected_decision_says_that_it_is_a_correction():
    """
    Only the referrer who got the wrong letter gets an apology. Another referrer gets its first letter, without an
    apology.
    """
    first = letter_of(FROM_SCHOOL, None)
    again = letter_of(FROM_SCHOOL._replace(decision="early_help"), first)
    other = letter_of(FROM_SCHOOL._replace(agency_id="school-8"), first)

    assert (again.version, "sorry" in again.sentences[0]) == (2, True)
    assert (other.version, "sorry" in other.sentences[0]) == (2, False)
    assert not says_the_same(first, again)
    assert not says_the_same(first, other)
