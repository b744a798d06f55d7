"""Import of whole census files: good, bad, hostile and large files."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest

from streams.errors import ImportFileInvalid
from streams.importers.cin_file import MAX_CHILD_BYTES
from streams.settings import PROJECT

SAMPLE = Path(__file__).parent / "data" / "CIN_Census_2024.xml"


def test_sample_of_the_department_is_read(run):
    """
    In the DfE's published sample, one of two children is rejected, because the only referral is after the
    collection.
    """
    events = run(SAMPLE.read_bytes())

    assert (run.done.children, run.done.imported, run.done.year) == (2, 1, 2023)
    report = json.loads(run.done.report.read_text())
    after = "the date is in the future, or after the last day of the collection"
    assert report["rejects"] == [{"line": 87, "element": "CINreferralDate", "reason": after}]
    assert [flaw["element"] for flaw in report["left_out"]] == ["AssessmentActualStartDate"]
    assert len(events) == sum(report["events"].values())


def test_same_file_gives_the_same_bytes(run, write):
    text = write.census(write.child(local_id="A"), write.child(local_id="B"))
    run(text)
    first = run.sent
    run(text)

    assert run.sent == first


@pytest.mark.parametrize(
    ("spoil", "element"),
    [
        (("2023-10-06", "06/10/2023"), "CINreferralDate"),
        (("2023-10-06", "2024-04-01"), "CINreferralDate"),
        (("<CINreferralDate>2023-10-06</CINreferralDate>", ""), "CINreferralDate"),
        (("<LAchildID>X1</LAchildID>", ""), "LAchildID"),
        (("<LAchildID>X1</LAchildID>", "<LAchildID> </LAchildID>"), "LAchildID"),
        (("<LAchildID>X1</LAchildID>", "<LAchildID>X1</LAchildID><LAchildID>X2</LAchildID>"), "LAchildID"),
        (("<Ethnicity>", "<CINdetails/><Ethnicity>"), None),
    ],
)
def test_child_without_an_id_or_a_dated_referral_is_kept_and_the_rest_told(run, write, spoil, element):
    """
    A rejected child sends no events. The report names line and element but not the value, and the child's record is
    kept.
    """
    good = run(write.census(write.child(local_id="GOOD")))
    events = run(write.census(write.child().replace(*spoil), write.child(local_id="GOOD")))
    if element is None:
        assert len(events) > len(good)
        return

    assert [event.value for event in events] == [event.value for event in good]
    report = json.loads(run.done.report.read_text())
    (reject,) = report["rejects"]
    assert reject["element"] == element
    assert reject["line"] > 4
    assert "X1" not in run.done.report.read_text()
    assert run.done.rejects.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("spoil", "element"),
    [
        (("<ReferralSource>6", "<ReferralSource>66"), "ReferralSource"),
        (("<ReferralSource>6</ReferralSource>", ""), "ReferralSource"),
        (("<ReferralSource>6<", "<ReferralSource>6</ReferralSource><ReferralSource>7<"), "ReferralSource"),
        (("<ReferralNFA>0", "<ReferralNFA>maybe"), "ReferralNFA"),
        (("<ReferralNFA>0</ReferralNFA>", ""), "ReferralNFA"),
        (("<PrimaryNeedCode>N1", "<PrimaryNeedCode>N77"), "PrimaryNeedCode"),
        (("<PrimaryNeedCode>", "<CINclosureDate>2023-12-01</CINclosureDate><PrimaryNeedCode>"), "ReasonForClosure"),
        (("<PrimaryNeedCode>", "<ReasonForClosure>RC1</ReasonForClosure><PrimaryNeedCode>"), "CINclosureDate"),
        (("<PersonBirthDate>2015-03-27</PersonBirthDate>", ""), "PersonBirthDate"),
        (("2015-03-27", "0015-03-27"), "PersonBirthDate"),
        (("2015-03-27", "2099-03-27"), "PersonBirthDate"),
        (("2015-03-27", "2015-02-29"), "PersonBirthDate"),
        (("WBRI", "XXXX"), "Ethnicity"),
        (("<GenderCurrent>2", "<GenderCurrent>X"), "GenderCurrent"),
        (("<PrimaryNeedCode>", "<Section47/><PrimaryNeedCode>"), "S47ActualStartDate"),
        (("<PrimaryNeedCode>", "<Assessments/><PrimaryNeedCode>"), "AssessmentActualStartDate"),
        (("<PrimaryNeedCode>", "<CINdetails/><PrimaryNeedCode>"), None),
    ],
)
def test_whatever_else_is_wrong_is_left_out_of_a_child_that_is_told(run, write, spoil, element):
    """
    The child and its referral are sent. The report has the line of the element that is left out, but not its
    value.
    """
    events = run(write.census(write.child().replace(*spoil)))

    assert run.done.imported == 1
    assert "ReferralSubmitted" in {type(event.fact).__name__ for event in events}
    flaws = json.loads(run.done.report.read_text())["left_out"]
    assert {element} - {None} <= {flaw["element"] for flaw in flaws}
    assert all(flaw["line"] > 4 for flaw in flaws)
    assert not {"X1", "XXXX", "N77"} & set(run.done.report.read_text().replace('"', " ").split())


@pytest.mark.parametrize(
    "written",
    [
        "2015-03-27Z",
        "2015-03-27+01:00",
        "2015-03-27-05:00",
        "2015-03-27T00:00:00",
        "2015-03-27T23:59:59.999Z",
        "2015-03-27T00:30:00+01:00",
        "\n  2015-03-27\t",
        "2015-<!-- c -->03-27",
        "<![CDATA[2015-03-27]]>",
        "2015&#45;03-27",
    ],
)
def test_day_is_read_as_it_is_written(run, write, written):
    """XML Schema allows a time zone, a time and white space around a date. None of them changes the day."""
    expected = run(write.census(write.child()))
    events = run(write.census(write.child().replace("2015-03-27", written)))

    assert [event.value for event in events] == [event.value for event in expected]


@pytest.mark.parametrize("written", ["27/03/2015", "2015-03-27T25:00:00", "2015-3-27", "20150327", "2015-03-27+1"])
def test_what_is_no_day_of_xml_schema_is_left_out(run, write, written):
    run(write.census(write.child().replace("2015-03-27", written)))

    assert next(iter(run.done.left_out)).startswith("PersonBirthDate: expected a date")


def test_referral_of_before_april_2013_needs_no_source(run, write):
    """
    The DfE requires a source for referrals from April 2013. For earlier referrals, an unknown source is not a
    flaw.
    """
    without = "<ReferralSource>6</ReferralSource>"
    for referred, flaws in (("2013-03-31", 0), ("2013-04-01", 1)):
        events = run(write.census(write.child(write.episode(referred=referred)).replace(without, "")))

        assert [e.fact.source_code for e in events if type(e.fact).__name__ == "ReferralSubmitted"] == ["10"]
        assert sum(run.done.left_out.values()) == flaws


def test_unreadable_decision_is_told_by_what_followed(run, write):
    """
    If the decision is unreadable, an enquiry shows that the referral was taken on. Without an enquiry, no decision is
    sent.
    """
    enquiry = "<Section47><S47ActualStartDate>2023-10-10</S47ActualStartDate></Section47>"
    opened = [
        {type(e.fact).__name__ for e in run(write.census(write.child(write.episode(nfa="?", inside=inside))))}
        for inside in ("", enquiry)
    ]

    assert {"CaseOpened", "ReferralDecided"} & opened[0] == set()
    assert {"CaseOpened", "ReferralDecided"} <= opened[1]


def test_group_that_stands_twice_is_one(run, write):
    """
    If an export repeats a module word for word, its facts are sent once. A module with other content is another
    episode.
    """
    once = run(write.census(write.child(write.episode())))
    twice = run(write.census(write.child(write.episode(), write.episode())))

    assert [event.value for event in twice] == [event.value for event in once]
    assert [*run.done.left_out] == ["CINdetails: repeats an earlier one"]


def test_identifiers_that_stand_in_two_groups_are_read_as_one(run, write):
    expected = run(write.census(write.child()))
    split = write.child().replace("<PersonBirthDate>", "</ChildIdentifiers><ChildIdentifiers><PersonBirthDate>")

    assert [event.value for event in run(write.census(split))] == [event.value for event in expected]


def test_flaws_are_counted_by_reason_with_their_first_lines(run, write):
    """
    330 of 332 children have no id. The end of the output shows how many children are rejected, and for each reason the
    first lines.
    """
    bad = [write.child(local_id="") for _ in range(330)]
    run(write.census(*bad, write.child(local_id="A"), write.child(local_id="B")))

    assert run.done.reasons == {"LAchildID: missing": 330}
    assert len(run.done.lines["LAchildID: missing"]) == 10


def test_mended_rejects_can_be_imported(run, write):
    """
    The kept records are a census file. Once it is corrected, it gives the events that the first file should have
    given.
    """
    whole = run(write.census(write.child()))
    run(write.census(write.child().replace("CINreferralDate>2023", "CINreferralDate>23")))
    events = run(run.done.rejects.read_text().replace("CINreferralDate>23", "CINreferralDate>2023"))

    assert [event.value for event in events] == [event.value for event in whole]


@pytest.mark.parametrize(("year", "factors"), [(2021, []), (2022, ["24A"])])
def test_code_is_left_out_before_its_year(run, write, year, factors):
    """The census has had factor 24A since 2022."""
    inside = """<Assessments><AssessmentActualStartDate>2020-10-09</AssessmentActualStartDate>
    <AssessmentAuthorisationDate>2020-11-20</AssessmentAuthorisationDate>
    <FactorsIdentifiedAtAssessment><AssessmentFactors>24A</AssessmentFactors></FactorsIdentifiedAtAssessment>
    </Assessments>"""
    events = run(write.census(write.child(write.episode(referred="2020-10-06", inside=inside)), year=year))

    (told,) = [event.fact.factors for event in events if type(event.fact).__name__ == "AssessmentCompleted"]
    assert told == factors


def test_second_child_of_one_id_is_refused(run, write):
    run(write.census(write.child(), write.child()))

    assert (run.done.imported, run.done.rejected) == (1, 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not well-formed"),
        ("not xml", "not well-formed"),
        ("LAchildID,PersonBirthDate\nX1,2015-03-27\n", "not well-formed"),
        (b"PK\x03\x04\x14\0\0\0", "zip archive"),
        (b"\x1f\x8b\x08\0", "gzip archive"),
        ("\ufeff \n", "empty"),
        ("<html><body/></html>", "begins with html|no Header"),
        ("<Message>", "not well-formed"),
        ("<Other/>", "no Header"),
        ("<X><Message><Header/></Message></X>", "begins with"),
        ("<Message><Header/></Message>", "Collection"),
    ],
)
def test_file_that_is_no_census_is_refused(run, text, says):
    with pytest.raises(ImportFileInvalid, match=says):
        run(text)


@pytest.mark.parametrize(
    ("year", "lea", "says"),
    [
        (2016, "344", "Year"),
        (2027, "344", "Year"),
        ("02024", "344", "Year"),
        ("", "344", "Year"),
        (2024, "999", "LEA"),
        (2024, "0344", "LEA"),
        (2024, "E08000015", "LEA"),
    ],
)
def test_unknown_year_or_authority_is_refused(run, write, year, lea, says):
    with pytest.raises(ImportFileInvalid, match=says):
        run(write.census(write.child(), year=year, lea=lea))


@pytest.mark.parametrize("day", ["2023-03-31", "2024-03-30", "2099-03-31", "0001-01-01", "31/03/2024", ""])
def test_reference_date_is_the_last_day_of_the_year(run, write, day):
    """A file with a later reference date would take precedence over every later return."""
    with pytest.raises(ImportFileInvalid, match="ReferenceDate"):
        run(write.census(write.child()).replace("2024-03-31", day))


@pytest.mark.parametrize("year", range(2017, 2027))
def test_every_collection_year_is_read(run, write, year):
    run(write.census(write.child(write.episode(referred="2016-10-06")), year=year))

    assert (run.done.imported, run.done.year) == (1, year)


def test_white_space_of_the_header_means_nothing(run, write):
    expected = run(write.census(write.child()))
    text = write.census(write.child()).replace("<LEA>344", "<LEA>\n 344 ").replace("<Year>", "<Year> ")
    events = run(text.replace("<Collection>CIN", "<Collection>\tCIN\n").replace("31</Ref", "31Z </Ref"))

    assert [event.value for event in events] == [event.value for event in expected]


def test_file_without_a_child_is_broken(run, write):
    run(write.census())

    assert "no Child" in run.done.broken


def test_document_type_is_refused(run, write):
    """A file that declares any entity is refused. Nested entities therefore cannot be expanded until memory is full."""
    lols = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    bomb = f'<?xml version="1.0"?><!DOCTYPE Message [<!ENTITY l0 "lol">{lols}]>' + write.census(
        write.child().replace("X1", "&l9;")
    )

    with pytest.raises(ImportFileInvalid, match=r"document type|well-formed"):
        run(bomb)


def test_file_of_this_machine_cannot_be_included(run, write, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    text = f'<!DOCTYPE Message [<!ENTITY x SYSTEM "file://{secret}">]>' + write.census(
        write.child().replace("X1", "&x;")
    )

    with pytest.raises(ImportFileInvalid, match="document type"):
        run(text)


def test_truncated_file_imports_what_came_before(run, write):
    """A file that ends early is reported as broken. The complete children before its end are read."""
    text = write.census(write.child(local_id="A"), write.child(local_id="B"))
    run(text[: text.index("<LAchildID>B")])

    assert run.done.imported == 1
    assert "not well-formed" in run.done.broken


def test_endless_child_stops_the_import(run, write):
    """If a child never ends, the import stops before memory is full."""
    endless = write.child(local_id="B").replace("<ChildCharacteristics>", "<Note>" + "<a/>" * MAX_CHILD_BYTES)
    run(write.census(write.child(local_id="A"), endless))

    assert run.done.imported == 1
    assert "longer than" in run.done.broken


def test_children_in_a_child_do_not_hide_its_length(run, write):
    nested = "<Child></Child>" * (MAX_CHILD_BYTES // 10)
    run(write.census(write.child(local_id="A"), f"<Child>{nested}</Child>"))

    assert "longer than" in run.done.broken


ENCODINGS = [
    ("utf-8", "utf-8"),
    ("utf-8", "utf-8-sig"),
    ("utf-8", "cp1252"),
    ("utf-8", "utf-16"),
    ("utf-16", "utf-8"),
    ("UTF-16", "utf-8-sig"),
    ("utf-16", "cp1252"),
    ("utf-16", "utf-16-le"),
    ("utf-16le", "utf-16-be"),
    ("utf-16", "utf-16"),
    ("utf-32", "utf-32"),
    ("unicode", "utf-8"),
    ("rot13", "utf-8"),
    ("iso-8859-1", "iso-8859-1"),
    ("windows-1252", "cp1252"),
    ("us-ascii", "cp1252"),
    ("", "utf-8"),
    ("", "cp1252"),
    ("", "utf-16"),
    ("", "utf-16-be"),
]


@pytest.mark.parametrize(("declared", "encoding"), ENCODINGS)
def test_bytes_are_believed_before_what_a_file_says_of_itself(run, write, declared, encoding):
    """The same child has the same id, whatever encoding a file declares, and also if the file declares none."""
    expected = run(write.census(write.child(local_id="Zoë")))
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else ""
    events = run((declaration + write.census(write.child(local_id="Zoë"))).encode(encoding))

    assert [event.value for event in events] == [event.value for event in expected]


def test_characters_across_chunks_are_whole(run, write):
    """A file is read in pieces. A character whose bytes lie in two pieces stays one character."""
    expected = run(write.census(write.child(local_id="Zoë")))
    for pad in range(65_536 - 420, 65_536 - 380):
        events = run(f"<!--{'x' * pad}-->{write.census(write.child(local_id='Zoë'))}")
        assert [event.value for event in events] == [event.value for event in expected]


def test_namespace_makes_no_difference(run, write):
    expected = run(write.census(write.child()))
    events = run(write.census(write.child()).replace("<Message>", '<Message xmlns="urn:dfe:cin">'))

    assert [event.value for event in events] == [event.value for event in expected]


@pytest.mark.slow
def test_fifty_thousand_children_need_no_more_memory_than_one(run, write, tmp_path):
    """The import needs memory for one child, and not for the whole file."""
    file = tmp_path / "large.xml"
    header, end = write.census("@").split("@")
    with file.open("w") as out:
        out.write(header)
        for number in range(50_000):
            out.write(write.child(local_id=f"C{number}"))
        out.write(end)
    small = tmp_path / "small.xml"
    small.write_text(write.census(write.child()))
    before = _peak(tmp_path, small)

    assert _peak(tmp_path, file) - before < 64 * 1024


def _peak(home: Path, file: Path) -> int:
    """Measure the peak memory (KiB) of a process that checks the file."""
    command = [sys.executable, "-m", "streams.cli", "import", "cin-xml", "--check", str(file)]
    code = (
        f"import subprocess, resource; subprocess.run({command!r}, check=True, capture_output=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    env = {"CAF_HOME": str(home), "PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"}
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=env)
    return int(found.stdout)


PIECES = (
    b"<",
    b">",
    b"&#0;",
    b"\0",
    b"\xff",
    b"<!--",
    b"]]>",
    b"<!DOCTYPE a [",
    b"</Child>",
    b"<a:b/>",
    b"2015-02-30",
    b"&x;",
)


@pytest.mark.parametrize("seed", range(300))
def test_file_with_any_bytes_wrong_is_read_or_refused_in_one_sentence(run, seed):
    """Wherever a file is changed, cut, repeated or damaged, the result is a report or one sentence."""
    chance = random.Random(seed)
    spoilt = bytearray(SAMPLE.read_bytes())
    for _ in range(chance.randint(1, 5)):
        place = chance.randrange(len(spoilt))
        cut = chance.choice([place, place + chance.randint(1, 60), len(spoilt)])
        spoilt[place:cut] = chance.choice([b"", chance.choice(PIECES), spoilt[place - 50 : place + 50]]) or b" "

    says = ""
    try:
        run(bytes(spoilt))
    except ImportFileInvalid as error:
        says = str(error)

    assert "\n" not in says
    assert says or run.done.imported + run.done.rejected == run.done.children
