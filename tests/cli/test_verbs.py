"""Every verb has a help text, is in the documentation, and reports a known error in one sentence."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from streams.cli.main import caf
from streams.cli.quarantine import filters
from streams.contracts import Reason
from streams.settings import PROJECT
from streams.stack.ports import free_ports

HIDDEN = "hidden-word"
REASONS = [str(reason) for reason in Reason]
VERBS = caf.list_commands(click.Context(caf))


def below(context: click.Context) -> Iterator[click.Context]:
    """Yield a verb and its sub-verbs, each with the words that call it."""
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            found = context.command.get_command(context, name)
            yield from below(click.Context(found, context, info_name=name))


def start(*words: str, **environ: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "streams.cli", *words],
        env={**os.environ, "PYTHONPATH": str(PROJECT), **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def assert_one_sentence(process: subprocess.Popen, says: str) -> None:
    """Check that the last line is the sentence, that only log lines come before it, and that no password is printed."""
    output, errors = process.communicate(timeout=120)
    *logged, sentence = errors.strip().splitlines()

    assert process.returncode == 1
    assert output == ""
    assert HIDDEN not in errors
    assert sentence.startswith("caf: ")
    assert says in sentence
    assert [line for line in logged if "event=" not in line] == []


@pytest.mark.parametrize("verb", VERBS)
def test_verb_explains_itself_and_what_is_below_it(verb: str) -> None:
    """The help text has a sentence before the options."""
    root = click.Context(caf, info_name="./caf")
    for context in below(click.Context(caf.get_command(root, verb), root, info_name=verb)):
        usage, explanation = context.get_help().strip().split("\n\n")[:2]

        assert usage.startswith(f"Usage: {context.command_path}")
        assert re.match(r"\s+[A-Z].+[.:]", explanation, re.DOTALL)


@pytest.mark.parametrize("verb", VERBS)
def test_verb_is_in_the_list_and_in_the_documentation(verb: str) -> None:
    texts = [path.read_text() for path in (PROJECT / "README.md", *(PROJECT / "docs").rglob("*.md"))]
    listed = CliRunner().invoke(caf, ["--help"]).output

    assert re.search(rf"^\s+{verb}\s+\w", listed, re.MULTILINE)
    assert any(re.search(rf"\./caf {verb}\b", text) for text in texts)


@pytest.mark.slow
def test_missing_broker_is_one_sentence(tmp_path) -> None:
    """
    Every command that needs the broker says at which address no broker answers.

    The settings name a PostgreSQL server elsewhere, so no command starts one.
    """
    address = f"127.0.0.1:{free_ports(1)[0]}"
    elsewhere = {
        "CAF_KAFKA": address,
        "CAF_POSTGRES": f"postgresql://{address}/caf",
        "CAF_HOME": str(tmp_path / "home"),
    }
    needing = [["watch"], ["watch", "--check"], ["land"], ["alerts"], ["alerts", "test"], ["simulate", "--days", "1"]]
    started = [start(*words, **elsewhere) for words in needing]
    for process in started:
        assert_one_sentence(process, f"no Kafka broker answers at {address}")


def test_part_that_there_is_not_is_named_with_those_that_there_are(tmp_path) -> None:
    """
    An unknown part is also reported while no part runs. For a known part, the message then says that its state is not
    known.
    """
    asked = {part: start("status", "--check", part, CAF_HOME=str(tmp_path / "home")) for part in ("lnd", "land")}

    assert_one_sentence(asked["lnd"], "no part is called 'lnd'; known: postgres, kafka, airflow, ")
    assert_one_sentence(asked["land"], "the state of land is not known: postgres is stopped")


@pytest.mark.parametrize(
    "words", [["--limit", "-1"], ["--limit", "0"], ["--offset", "-1"], ["--topic", "caf.referal.v1"]]
)
def test_choice_of_rejected_records_that_cannot_be_is_refused(words: list[str]) -> None:
    """A mistyped topic must not look like a topic without rejected records."""
    refused = CliRunner().invoke(caf, ["quarantine", "show", *words])

    assert refused.exit_code == click.UsageError.exit_code
    assert f"Invalid value for '{words[0]}'" in refused.output


@pytest.mark.slow
def test_missing_lake_is_one_sentence_without_the_password(tmp_path) -> None:
    url = f"postgresql://caf:{HIDDEN}@127.0.0.1:{free_ports(1)[0]}/caf"
    needing = [["quarantine"], ["sql", "select 1"], ["validations", "holds"]]
    started = [start(*words, CAF_POSTGRES=url, CAF_HOME=str(tmp_path / "home")) for words in needing]
    for process in started:
        assert_one_sentence(process, "does not answer")


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        ("CAF_PARTITIONS", "0", "CAF_PARTITIONS is 0; allowed: 1 or more"),
        ("CAF_KAFKA_PORT", "kafka", "CAF_KAFKA_PORT is 'kafka'; allowed: int"),
        ("CAF_CASE_URL", "https://cases.example", "it must contain {family_id}"),
        ("CAF_AIRFLOW", f"http://admin:{HIDDEN}@", "CAF_AIRFLOW is incomplete"),
    ],
)
def test_bad_setting_is_one_sentence(setting: str, value: str, says: str) -> None:
    assert_one_sentence(start("status", **{setting: value}), says)


@pytest.mark.parametrize("reason", [*REASONS, *map(str.upper, REASONS)])
def test_reasons_are_chosen_by_the_words_that_listings_show(reason: str) -> None:
    """Reasons may be given in small letters, as listings show them, or in capitals."""

    @click.command
    @filters
    def verb(**given: object) -> None:
        click.echo(given["reason"])

    assert CliRunner().invoke(verb, ["--reason", reason]).output == f"{reason.lower()}\n"
