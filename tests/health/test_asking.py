"""If a server hangs, its caller does not hang."""

import threading

import pytest

from streams.errors import LakeUnavailable
from streams.health.asking import Asker, Unanswered


def test_answers_come_by_name() -> None:
    assert Asker(30).ask({"one": lambda: 1, "two": lambda: 2}) == {"one": 1, "two": 2}


def test_a_question_that_hangs_is_given_up_and_not_put_again_while_it_hangs() -> None:
    release, asked = threading.Event(), []

    def hang() -> str:
        asked.append(1)
        release.wait()
        return "late"

    asker = Asker(0.05)
    first, second = asker.ask({"kafka": hang})["kafka"], asker.ask({"kafka": hang})["kafka"]
    release.set()

    assert [type(first), type(second), asked] == [Unanswered, Unanswered, [1]]
    assert str(first) == "kafka does not answer within 0 s. Look again, then read its log"
    assert Asker(30).ask({"kafka": hang}) == {"kafka": "late"}


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (LakeUnavailable("PostgreSQL does not answer"), "PostgreSQL does not answer"),
        (OSError("password=hidden"), "kafka does not answer: OSError"),
    ],
)
def test_an_error_is_an_answer(error: Exception, says: str) -> None:
    """The project's own messages are shown. Other messages may contain addresses and passwords."""

    def fail() -> None:
        raise error

    assert str(Asker(30).ask({"kafka": fail})["kafka"]) == says
