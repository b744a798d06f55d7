"""The table of partners: what it allows, and that a mistake in it is one sentence."""

from dataclasses import replace
from pathlib import Path

import pytest

from streams.errors import PartnersInvalid
from streams.kafka.partners import Partner, partners, partners_if_valid
from streams.kafka.rights import principals, rights
from streams.kafka.topics import topic_configs
from streams.settings import Settings

HEAD = "partner,sources,who\n"


def table(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "partners.csv"
    file.write_text(text)
    return Settings(partners=str(file))


def test_nobody_is_a_partner_until_somebody_adds_a_line() -> None:
    assert partners(Settings()) == ()


def test_partner_gets_a_topic_and_may_only_write_to_it(tmp_path: Path) -> None:
    settings = table(tmp_path, HEAD + 'north-police,/north/police /north/custody,"Records system, North"\n')
    (one,) = partners(settings)

    assert one == Partner("north-police", ("/north/police", "/north/custody"), "Records system, North")
    assert [(it.what, it.name, it.operations) for it in rights((one,)) if it.principal == one.name] == [
        ("topic", "caf.inbound.north-police.v1", ("describe", "write"))
    ]
    assert set(topic_configs(settings)) - set(topic_configs(Settings())) == {one.topic}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name,source\n", "the first line must be partner,sources,who"),
        (HEAD + "North,/a,x\n", "line 2: 'North'; allowed: at most 60 small letters"),
        (HEAD + "a/b,/a,x\n", "allowed: at most 60 small letters"),
        (HEAD + "north,,x\n", "'north' has no source"),
        (HEAD + "north,/a,x\nnorth,/b,x\n", "line 3: 'north' has two lines"),
        (HEAD + "north,/a,x\nsouth,/b /a,x\n", "line 3: '/a' belongs to 'north' already"),
        (HEAD + "north,/p\u043elice,x\n", "printable ASCII"),
        (HEAD + "north,/a\n", "allowed: a value for each of partner, sources, who"),
        (HEAD + "north,/a,x,y\n", "allowed: a value for each of partner, sources, who"),
        (HEAD + '"north\n', "this is not CSV"),
        ('"partner\n', "this is not CSV"),
    ],
)
def test_wrong_line_is_named_with_what_is_allowed(tmp_path: Path, text: str, why: str) -> None:
    settings = table(tmp_path, text)

    with pytest.raises(PartnersInvalid, match=why):
        partners(settings)
    assert partners_if_valid(settings) is None
    assert set(topic_configs(settings)) == set(topic_configs(Settings()))


def test_table_that_excel_has_saved_is_read(tmp_path: Path) -> None:
    file = tmp_path / "partners.csv"
    file.write_bytes(b"\xef\xbb\xbf" + HEAD.replace("\n", "\r\n").encode() + b"north,/a,x\r\n")

    assert partners(Settings(partners=str(file))) == (Partner("north", ("/a",), "x"),)


def test_missing_table_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(PartnersInvalid, match=r"cannot be read \(No such file.*CAF_PARTNERS"):
        partners(replace(Settings(), partners=str(tmp_path / "missing.csv")))


@pytest.mark.parametrize("name", ["broker", *principals()])
def test_partner_cannot_have_the_name_of_a_part(name: str) -> None:
    with pytest.raises(PartnersInvalid, match=f"must not be called '{name}'"):
        rights((Partner(name, ("/a",), ""),))
