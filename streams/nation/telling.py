"""Print the messages of the Spark job as JSON, one object on each line. Data that errors may quote is left out."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyspark
from pyspark.sql import SparkSession

__all__ = ["fail", "say", "sentence", "told"]

_REPORT_SECONDS = 2.0


def say(**facts: Any) -> None:
    """Print one message."""
    print(json.dumps(facts), flush=True)


def fail(reason: str) -> int:
    """Print a message about a failure, and return the exit code."""
    say(error=reason)
    return 1


def sentence(error: Exception) -> str:
    """Return a sentence that names the type of a Spark error and the types of its causes, but no data."""
    causes = re.findall(r"(?:[a-z]+\.)+([A-Z]\w*(?:Error|Exception))", str(error))
    kinds = dict.fromkeys([type(error).__name__, *causes[:2]])
    return f"Spark {pyspark.__version__} gave up: {' because of '.join(kinds)}"


@contextmanager
def told(spark: SparkSession, what: str, of: int) -> Iterator[None]:
    """
    Every two seconds, print how many tasks of the running stage are done.

    The stage is recognised by its number of tasks (`of`).
    """
    over = threading.Event()

    def tell() -> None:
        tracker = spark.sparkContext.statusTracker()
        while not over.wait(_REPORT_SECONDS):
            stages = [tracker.getStageInfo(number) for number in tracker.getActiveStageIds()]
            for stage in stages:
                if stage and stage.numTasks == of:
                    say(done=stage.numCompletedTasks, of=of, what=what)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()
