"""Both layouts are read in the same way, and a cell without a figure or symbol is refused."""

import csv
import random
from pathlib import Path

import pytest

from streams.dfe_check.tables import HEADLINE, SYMBOLS, Figures, read_figures
from streams.errors import PublishedFileInvalid

PLACE = {
    "time_period": "2024",
    "time_identifier": "Reporting year",
    "geographic_level": "Local authority",
    "country_code": "E92000001",
    "new_la_code": "E06000006",
    "la_name": "Halton",
}


def written(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_both_layouts_say_the_same(halton: Figures, tmp_path: Path) -> None:
    """
    A file in the DfE's layout has a line for each authority and year, a column for each measure, and lines for
    regions.
    """
    headline = {measure: halton.published["referrals", measure] for measure in HEADLINE}
    region = PLACE | {"geographic_level": "Regional", "new_la_code": ""} | dict.fromkeys(headline, "10")
    c1 = written(tmp_path / "c1.csv", [region, PLACE | headline])
    people = PLACE | {"time_period": "2023", "population_estimate": str(halton.children)}
    ons = written(tmp_path / "ons.csv", [people])
    [found] = read_figures([c1, ons])

    assert found.children == halton.children
    assert found.published == {("referrals", measure): text for measure, text in headline.items()}


def test_the_release_of_2025_says_the_same_under_other_names(halton: Figures, tmp_path: Path) -> None:
    names = {
        "referral_count": "Referrals",
        "rereferral_count": "Re_referrals",
        "rereferral_percent": "Re_referrals_percent",
        "no_further_action_count": "No_Further_Action",
        "no_further_action_percent": "No_Further_Action_percent",
        "not_in_need_count": "Not_in_Need",
        "not_in_need_percent": "Not_in_Need_percent",
        "referral_child_count": "Referrals_child",
        "rereferral_child_count": "Re_referrals_child",
        "rereferral_child_percent": "Re_referrals_child_percent",
    }
    headline = {new: halton.published["referrals", old] for new, old in names.items()}
    [found] = read_figures([written(tmp_path / "c1.csv", [PLACE | headline])])

    assert found.published == {("referrals", old): headline[new] for new, old in names.items()}


def test_a_file_with_none_of_the_tables_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "c2.csv", [PLACE | {"At31_episodes": "1654"}])

    with pytest.raises(PublishedFileInvalid, match="at least one of Referrals, Individual, April, population_estimate"):
        read_figures([path])


def test_symbols_are_no_numbers(halton: Figures) -> None:
    hidden = Figures(halton.authority, 2024, {("referrals", "Referrals"): "u", ("referrals", "Re_referrals"): "c"})

    assert hidden.count("referrals", "Referrals") is None
    assert hidden.count("referrals", "Re_referrals") is None


@pytest.mark.parametrize("text", ["n/a", "12%", "<5"])
def test_what_is_no_figure_is_refused(text: str, tmp_path: Path) -> None:
    path = written(tmp_path / "c1.csv", [PLACE | dict.fromkeys(HEADLINE, "7") | {"Re_referrals": text}])

    with pytest.raises(PublishedFileInvalid, match=rf"c1.csv line 2: Re_referrals is '{text}'; allowed: a number, c"):
        read_figures([path])


def test_another_layout_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "other.csv", [{"council": "Halton", "referrals": "1654"}])

    with pytest.raises(PublishedFileInvalid, match=r"other.csv has neither layout; allowed: the columns area_code"):
        read_figures([path])


def told(path: Path, problems: list[str] | None = None) -> list[Figures]:
    return read_figures([path]) if problems is None else read_figures([path], problems.append)


@pytest.mark.parametrize(
    "symbol", ["c", "k", "low", "~", "z", "x", ":", "..", "u", "*", "", " C ", "[c]", "[low]", "[x]"]
)
def test_symbol_hides_one_figure_and_no_more(symbol: str, tmp_path: Path) -> None:
    """The other figures of the authority are read, and the meaning of the symbol is known."""
    rows = [PLACE | dict.fromkeys(HEADLINE, "7") | {"Re_referrals": symbol}]
    [found] = told(written(tmp_path / "c1.csv", rows))

    assert found.count("referrals", "Re_referrals") is None
    assert found.published["referrals", "Re_referrals"] in SYMBOLS
    assert found.count("referrals", "Referrals") == 7


@pytest.mark.parametrize(("text", "count"), [("1,234", 1234), ("12,345.0", 12345), (" 7 ", 7), ("0", 0)])
def test_number_is_read_with_its_separators(text: str, count: int, tmp_path: Path) -> None:
    [found] = told(written(tmp_path / "c1.csv", [PLACE | dict.fromkeys(HEADLINE, "7") | {"Referrals": text}]))

    assert found.count("referrals", "Referrals") == count


WRONG = ["NaN", "inf", "-inf", "-7", "1e9", "1,23", "12 345", "9" * 400, "1_000", "٣", "0x10", "12.", "n/a", "=1+1"]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_figure_is_one_sentence_and_the_rest_is_read(text: str, tmp_path: Path) -> None:
    problems: list[str] = []
    rows = [PLACE | dict.fromkeys(HEADLINE, "7"), PLACE | {"new_la_code": "E06000019"} | dict.fromkeys(HEADLINE, "7")]
    rows[0]["Re_referrals"] = text
    found = told(written(tmp_path / "c1.csv", rows), problems)

    assert [len(one.published) for one in found] == [len(HEADLINE) - 1, len(HEADLINE)]
    [problem] = problems
    assert problem.startswith(f"c1.csv line 2: Re_referrals is '{text[:40]}")


@pytest.mark.parametrize("text", ["2024", "202324", "2023/24", "2023-24", "2023/2024", "2024.0", " 2024 "])
def test_year_is_that_in_which_the_period_ends(text: str, tmp_path: Path) -> None:
    [found] = told(written(tmp_path / "c1.csv", [PLACE | dict.fromkeys(HEADLINE, "7") | {"time_period": text}]))

    assert found.year == 2024


@pytest.mark.parametrize("text", ["", "2023/25", "202325", "24", "1899", "2024 Q1", "20240331"])
def test_what_is_no_year_is_one_sentence_a_line(text: str, tmp_path: Path) -> None:
    problems: list[str] = []
    rows = [PLACE | dict.fromkeys(HEADLINE, "7") | {"time_period": text}, PLACE | dict.fromkeys(HEADLINE, "7")]

    assert [one.year for one in told(written(tmp_path / "c1.csv", rows), problems)] == [2024]
    assert [problem.split(";")[0] for problem in problems] == [f"c1.csv line 2: the year is {text!r}"]


@pytest.mark.parametrize("code", ["", "z", "W06000015", "E0600000", "Halton"])
def test_what_is_no_authority_is_one_sentence(code: str, tmp_path: Path) -> None:
    problems: list[str] = []
    told(written(tmp_path / "c1.csv", [PLACE | dict.fromkeys(HEADLINE, "7") | {"new_la_code": code}]), problems)

    assert [problem.split(";")[0] for problem in problems] == [f"c1.csv line 2: the authority is {code!r}"]


@pytest.mark.parametrize(
    ("line", "columns"), [("2024,Reporting year", 2), ("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t", 20)]
)
def test_short_or_long_line_is_left_out(line: str, columns: int, tmp_path: Path) -> None:
    problems: list[str] = []
    path = written(tmp_path / "c1.csv", [PLACE | dict.fromkeys(HEADLINE, "7")])
    path.write_text(path.read_text("utf-8-sig") + line + "\n\n")

    assert len(told(path, problems)) == 1
    assert problems == [
        f"c1.csv line 3 has {columns} columns, its header {len(PLACE) + len(HEADLINE)}; the line is left out"
    ]


def test_repeated_authority_counts_once_and_a_contradiction_is_named(tmp_path: Path) -> None:
    problems: list[str] = []
    row = PLACE | dict.fromkeys(HEADLINE, "7")
    [found] = told(written(tmp_path / "c1.csv", [row, row, row | {"Referrals": "8"}]), problems)

    assert found.count("referrals", "Referrals") == 7
    assert problems == ["c1.csv line 4: Referrals of E06000006, 2024 was given before as 7; that value counts"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_encoding_of_a_file_makes_no_difference(encoding: str, tmp_path: Path) -> None:
    path = written(tmp_path / "c1.csv", [PLACE | {"la_name": "Zoë"} | dict.fromkeys(HEADLINE, "7")])
    path.write_bytes(path.read_text("utf-8-sig").encode(encoding))

    assert [one.count("referrals", "Referrals") for one in told(path)] == [7]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "neither layout"),
        (b"\0\0\0", "neither layout"),
        (b"PK\x03\x04\x14", "is a zip archive or a workbook; expected a CSV file"),
        (b'time_period,"' + b"x" * 200_000, "is not a line of a CSV file"),
        (b"time_period,geographic_level,new_la_code,Referrals,Referrals\n", "more than one column Referrals"),
    ],
)
def test_file_that_is_no_table_is_one_sentence(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "c1.csv"
    path.write_bytes(content)

    with pytest.raises(PublishedFileInvalid, match=says):
        told(path)


@pytest.mark.parametrize("seed", range(200))
def test_file_with_any_bytes_wrong_is_read_or_refused_in_sentences(seed: int, tmp_path: Path) -> None:
    """The result is figures or sentences, wherever a file is changed, cut, repeated or damaged."""
    chance, path = random.Random(seed), tmp_path / "c1.csv"
    rows = [PLACE | {"time_period": str(year)} | dict.fromkeys(HEADLINE, "7") for year in range(2013, 2025)]
    spoilt = bytearray(written(path, rows).read_bytes())
    pieces = (b"", b'"', b",", b"\n", b"\r", b"\0", b"\xff\xfe", b"\xe9", b"inf", b"1,234", b"\xc3")
    for _ in range(chance.randint(1, 5)):
        place = chance.randrange(len(spoilt))
        spoilt[place : chance.choice([place, place + 9, len(spoilt)])] = chance.choice(pieces) or b" "
    path.write_bytes(spoilt)
    problems: list[str] = []

    try:
        told(path, problems)
    except PublishedFileInvalid as error:
        problems.append(str(error))

    assert not [problem for problem in problems if "\n" in problem or "\0" in problem]
