"""Ask servers that may hang. All questions are sent at once, each in its own thread and with a time limit."""

import threading
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, TypeVar

from streams.errors import CafError

__all__ = ["Asker", "Unanswered"]

_Answer = TypeVar("_Answer")


class Unanswered(Exception):
    """A question got no answer. The message is a sentence for people, without addresses or data from records."""


class Asker:
    """
    Asks questions repeatedly. A question that still hangs from an earlier check is not asked again.

    The threads are daemon threads. Otherwise, a server that never answers would keep the process alive.
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience = patience_seconds
        self._open: dict[str, _Question] = {}

    def ask(self, questions: Mapping[str, Callable[[], _Answer]]) -> dict[str, "_Answer | Unanswered"]:
        """Return the answer to each question, or an `Unanswered` if the question failed or took too long."""
        for name, question in questions.items():
            if name not in self._open:
                self._open[name] = _Question(name, question)
        deadline = monotonic() + self._patience
        return {name: self._answer(name, deadline) for name in questions}

    def _answer(self, name: str, deadline: float) -> Any:
        question = self._open[name]
        question.join(max(0.0, deadline - monotonic()))
        if question.is_alive():
            return Unanswered(f"{name} does not answer within {self._patience:.0f} s. Look again, then read its log")
        del self._open[name]
        return question.answer


class _Question(threading.Thread):
    def __init__(self, name: str, ask: Callable[[], object]) -> None:
        super().__init__(name=f"asks-{name}", daemon=True)
        self._ask = ask
        self.answer: Any = None
        self.start()

    def run(self) -> None:
        try:
            self.answer = self._ask()
        except (CafError, Unanswered) as error:
            self.answer = Unanswered(str(error))
        except Exception as error:  # noqa: BLE001  (a client may raise any error; each means that there is no answer)
            self.answer = Unanswered(f"{self.name.removeprefix('asks-')} does not answer: {type(error).__name__}")
