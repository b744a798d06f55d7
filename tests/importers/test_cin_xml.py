"""Import of whole census files: good, bad, hostile, large."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from streams.errors import ImportFileInvalid
from streams.importers.cin_file import MAX_CHILD_BYTES
from streams.importers.cin_xml import import_cin_xml, sending
from streams.kafka.client import consumer
from streams.names import CASE_CHANGE, REFERRAL
from streams.settings import PROJECT

SAMPLE = Path(__file__).parent / "data" / "CIN_Census_2024.xml"


def test_sample_of_the_department_is_read(run):
    """The published sample: one child with a date in the future is kept aside, the other imported."""
    events = run(SAMPLE.read_bytes())

    assert (run.done.children, run.done.imported, run.done.year) == (2, 1, 2023)
    report = json.loads(run.done.report.read_text())
    assert report["rejects"] == [
        {"line": 42, "element": "AssessmentActualStartDate", "reason": "the date is in the future"}
    ]
    assert len(events) == sum(report["events"].values()) == 9


def test_same_file_gives_the_same_bytes(run, write):
    text = write.census(write.child(local_id="A"), write.child(local_id="B"))
    run(text)
    first = run.sent
    run(text)

    assert run.sent == first


@pytest.mark.parametrize(
    ("spoil", "element"),
    [
        (("<ReferralSource>6", "<ReferralSource>66"), "ReferralSource"),
        (("2023-10-06", "06/10/2023"), "CINreferralDate"),
        (("<CINreferralDate>2023-10-06</CINreferralDate>", ""), "CINreferralDate"),
        (("<ReferralNFA>0", "<ReferralNFA>maybe"), "ReferralNFA"),
        (("<PrimaryNeedCode>", "<CINclosureDate>2023-12-01</CINclosureDate><PrimaryNeedCode>"), "ReasonForClosure"),
        (("<LAchildID>X1</LAchildID>", ""), "LAchildID"),
        (("<PersonBirthDate>2015-03-27</PersonBirthDate>", ""), "PersonBirthDate"),
        (("2015-03-27", "0015-03-27"), "PersonBirthDate"),
        (("2015-03-27", "2099-03-27"), "PersonBirthDate"),
        (("WBRI", "XXXX"), "Ethnicity"),
        (("<ReferralSource>6<", "<ReferralSource>6</ReferralSource><ReferralSource>7<"), "ReferralSource"),
    ],
)
def test_bad_child_is_kept_and_the_rest_imported(run, write, spoil, element):
    """A bad record sends nothing, is reported by line and element without its value, and is kept."""
    good = run(write.census(write.child(local_id="GOOD")))
    events = run(write.census(write.child().replace(*spoil), write.child(local_id="GOOD")))

    assert [event.value for event in events] == [event.value for event in good]
    report = json.loads(run.done.report.read_text())
    (reject,) = report["rejects"]
    assert reject["element"] == element
    assert reject["line"] > 4
    assert "X1" not in run.done.report.read_text()
    assert run.done.rejects.stat().st_mode & 0o077 == 0


def test_mended_rejects_can_be_imported(run, write):
    """The kept records are a census file: mended, it tells what the file should have told."""
    whole = run(write.census(write.child()))
    run(write.census(write.child().replace("WBRI", "XXXX")))
    events = run(run.done.rejects.read_text().replace("XXXX", "WBRI"))

    assert [event.value for event in events] == [event.value for event in whole]


@pytest.mark.parametrize(("year", "imported"), [(2021, 0), (2022, 1)])
def test_code_is_refused_before_its_year(run, write, year, imported):
    """Factor 24A entered the census in 2022."""
    inside = """<Assessments><AssessmentActualStartDate>2020-10-09</AssessmentActualStartDate>
    <AssessmentAuthorisationDate>2020-11-20</AssessmentAuthorisationDate>
    <FactorsIdentifiedAtAssessment><AssessmentFactors>24A</AssessmentFactors></FactorsIdentifiedAtAssessment>
    </Assessments>"""
    run(write.census(write.child(write.episode(referred="2020-10-06", inside=inside)), year=year))

    assert run.done.imported == imported


def test_second_child_of_one_id_is_refused(run, write):
    run(write.census(write.child(), write.child()))

    assert (run.done.imported, run.done.rejected) == (1, 1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not well-formed"),
        ("not xml", "not well-formed"),
        ("<Other/>", "no Header"),
        ("<X><Message><Header/></Message></X>", "begins with"),
        ("<Message><Header/></Message>", "Collection"),
    ],
)
def test_file_that_is_no_census_is_refused(run, text, says):
    with pytest.raises(ImportFileInvalid, match=says):
        run(text)


@pytest.mark.parametrize(("year", "lea", "says"), [(2016, "344", "Year"), (2027, "344", "Year"), (2024, "999", "LEA")])
def test_unknown_year_or_authority_is_refused(run, write, year, lea, says):
    with pytest.raises(ImportFileInvalid, match=says):
        run(write.census(year=year, lea=lea))


def test_document_type_is_refused(run, write):
    """Entities that multiply are never expanded: a file that declares any is refused."""
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
    """A file that ends early is said to be broken; whole children before its end are imported."""
    text = write.census(write.child(local_id="A"), write.child(local_id="B"))
    run(text[: text.index("<LAchildID>B")])

    assert run.done.imported == 1
    assert "not well-formed" in run.done.broken


def test_endless_child_stops_the_import(run, write):
    """A child that never ends is given up before it fills the memory."""
    endless = write.child(local_id="B").replace("<ChildCharacteristics>", "<Note>" + "<a/>" * MAX_CHILD_BYTES)
    run(write.census(write.child(local_id="A"), endless))

    assert run.done.imported == 1
    assert "longer than" in run.done.broken


def test_children_in_a_child_do_not_hide_its_length(run, write):
    nested = "<Child></Child>" * (MAX_CHILD_BYTES // 10)
    run(write.census(write.child(local_id="A"), f"<Child>{nested}</Child>"))

    assert "longer than" in run.done.broken


def test_latin_1_and_utf_16_files_are_read(run, write):
    expected = run(write.census(write.child(local_id="Zoë")))
    for encoding in ("iso-8859-1", "utf-16"):
        text = f'<?xml version="1.0" encoding="{encoding}"?>' + write.census(write.child(local_id="Zoë"))
        assert [event.value for event in run(text.encode(encoding))] == [event.value for event in expected]


def test_namespace_makes_no_difference(run, write):
    expected = run(write.census(write.child()))
    events = run(write.census(write.child()).replace("<Message>", '<Message xmlns="urn:dfe:cin">'))

    assert [event.value for event in events] == [event.value for event in expected]


def test_fifty_thousand_children_need_no_more_memory_than_one(run, write, tmp_path):
    """Memory is that of a child, not of a file."""
    file = tmp_path / "large.xml"
    header, end = write.census("@").split("@")
    with file.open("w") as out:
        out.write(header)
        for number in range(50_000):
            out.write(write.child(local_id=f"C{number}"))
        out.write(end)
    before = _peak(tmp_path, SAMPLE)

    assert _peak(tmp_path, file) - before < 64 * 1024


def _peak(home: Path, file: Path) -> int:
    """Largest memory (KiB) of a process that checks the file."""
    command = [sys.executable, "-m", "streams.cli", "import", "cin-xml", "--check", str(file)]
    code = (
        f"import subprocess, resource; subprocess.run({command!r}, check=True, capture_output=True);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    env = {"CAF_HOME": str(home), "PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"}
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, env=env)
    return int(found.stdout)


def test_file_sent_twice_is_duplicates_only(settings, fresh_topics, tmp_path, write):
    """On the real topics a second import repeats the same events and brings no new one."""
    file = tmp_path / "census.xml"
    file.write_text(write.census(write.child(local_id="A"), write.child(local_id="B")))
    for _ in range(2):
        with sending(settings) as send:
            done = import_cin_xml(settings, file, send)

    client = consumer(settings, [REFERRAL, CASE_CHANGE])
    records = [record for batch in client.poll(10_000, max_records=1000).values() for record in batch]
    while batch := client.poll(500):
        records += [record for part in batch.values() for record in part]
    client.close()
    assert len(records) == 2 * sum(done.events.values())
    assert len({(record.key, record.value) for record in records}) == sum(done.events.values())
