"""An id is found in every text that says it, and never where a text says the longer id of somebody else."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.erase.payload import is_in_payload, without
from streams.erase.subject import Subject
from streams.erase.words import words

IDS = st.lists(st.sampled_from(["F", "1", "B", "LCS", "22"]), min_size=1, max_size=4).flatmap(
    lambda parts: st.sampled_from("._:/-").map(lambda joint: joint.join(parts))
)
BETWEEN = st.sampled_from([" ", ", ", ". ", " (", ") ", "; ", " - ", '", "'])


@given(st.sets(IDS, min_size=1), st.data())
def test_ids_go_and_longer_ids_of_others_stay(ids: set[str], data: st.DataObject) -> None:
    """The ids are parts of each other, and the text is a sentence in which each stands for itself."""
    erased = data.draw(st.sets(st.sampled_from(sorted(ids)), min_size=1))
    subject = Subject.of(erased, []).beside(ids)
    said = data.draw(st.lists(st.tuples(st.sampled_from(sorted(ids)), BETWEEN), min_size=1))
    text = "".join(f"{one}{between}" for one, between in said)

    assert subject.is_in(text) == any(one in erased for one, _ in said)
    assert subject.without(text) == "".join(f"{subject.markers.get(one, one)}{between}" for one, between in said)


@pytest.mark.parametrize("text", ["seen with F-1.", "F-1-", "(F-1/F-2)", "e-F-1-joined", "/families/F-1/edit", "F-1-C"])
def test_what_is_nobody_elses_id_counts_as_the_erased_one(text: str) -> None:
    subject = Subject.of(["F-1"], []).beside(["F-1", "F-2", "F-1-B", "F-1-", "F-12"])

    assert subject.others == ["F-1-B"]
    assert "F-1" not in subject.without(text)


@pytest.mark.parametrize("text", ["F-1-B", "F-1-B.", "e-F-1-B-joined", "LCS:F-1", "(F-1/2)"])
def test_what_is_somebody_elses_id_stays(text: str) -> None:
    assert not Subject.of(["F-1"], []).beside(["F-1-B", "LCS:F-1", "F-1/2"]).is_in(text)


def test_of_two_ids_that_overlap_the_one_that_is_nobody_elses_goes() -> None:
    subject = Subject.of(["F-1", "1-G"], []).beside(["Z:F-1"])

    assert subject.without("Z:F-1-G") == f"Z:F-{subject.markers['1-G']}"


@pytest.mark.parametrize("text", ["2024-123", "09:15:00.123+00:00", "2026-123-04", "R-123", "12:123", "1230", "P_123"])
def test_a_number_is_not_found_within_a_longer_one(text: str) -> None:
    """A rejected record has times and dates, and an erasure takes it as a whole."""
    assert not Subject.of(["123"], []).is_in(text)


@pytest.mark.parametrize("text", ["123", "seen with 123.", "(123/124)", "/families/123", "family:123", '{"id":123}'])
def test_a_number_is_found_by_itself(text: str) -> None:
    assert Subject.of(["123"], []).is_in(text)


@pytest.mark.parametrize(
    "text", ['{"a": "LCS\\/12"}', '{"a": "LCS\\/12"', '"seen\\nLCS/12"', '{"a": "\\u004cCS\\u002F12', "LCS\\/12\\n"]
)
@pytest.mark.parametrize("encoding", [None, "utf-8", "utf-16-le"])
def test_an_escaped_id_is_found_even_in_broken_json(text: str, encoding: str | None) -> None:
    assert Subject.of(["LCS/12"], []).is_in(text.encode(encoding) if encoding else text)


def payload(**data: object) -> str:
    return json.dumps({"time": "2026-03-02T09:15:00.123+00:00", "data": data})


@pytest.mark.parametrize(
    "data",
    [
        {"family_id": "F-1-B", "person_ids": ["F-1"]},
        {"family_id": "F-1-", "level": 3, "source_code": "6", "remark": "F-1-B"},
        {"severity": "amber", "date_of_birth": "2026-03-02", "person_id": "3"},
    ],
)
def test_an_event_of_others_does_not_name_the_subject(data: dict[str, object]) -> None:
    """Its ids are longer or of the other kind, and its times and codes are no ids."""
    subject = Subject.of(["F-1", "3", "6", "123", "amber"], ["2026"]).beside(["F-1-B"])

    assert not is_in_payload(subject, payload(**data))


@pytest.mark.parametrize(
    "data",
    [
        {"marker_families": ["F-2", "F-1"]},
        {"incident_id": "I/F-1"},
        {"note": "with F-1."},
        {"of the sender": {"time": "F-1"}},
        {"F-1": 1},
        {"severity": "F-1"},
        {"person_id": 123},
        {"sent": [123]},
    ],
)
def test_an_event_of_others_that_names_the_subject_no_longer_does(data: dict[str, object]) -> None:
    """A wrong value of a field that no rule needs stays in the payload, so it is also looked at."""
    subject = Subject.of(["F-1"], ["123"])

    assert is_in_payload(subject, payload(**data))
    assert not is_in_payload(subject, without(subject, payload(**data)).decode())


def test_markers_replace_ids_everywhere_and_nothing_else() -> None:
    subject = Subject.of(["F-1"], ["P-1"])
    family, person = (subject.markers[one] for one in ("F-1", "P-1"))
    told = payload(
        family_id="F-1", person_ids=["P-1", "P-10"], incident_id="e-P-1", level=1, severity="amber", note="x"
    )

    assert json.loads(without(subject, told))["data"] == {
        "family_id": family,
        "person_ids": [person, "P-10"],
        "incident_id": f"e-{person}",
        "level": 1,
        "severity": "amber",
    }


def test_a_member_that_is_given_twice_is_found_twice() -> None:
    assert is_in_payload(Subject.of(["F-1"], []), '{"data": {"note": "with F-1", "note": "with nobody"}}')


def test_a_part_of_a_known_id_is_no_word_of_its_own() -> None:
    assert set(words("F-1-B (F-1/F-2)", ["F-1-B"])) > {"F-1-B", "F-1", "F-2", "F-1/F-2"}
    assert "F-1" not in set(words("seen with F-1-B", ["F-1-B"]))
