"""
Which principal may do what on the embedded broker: the table `rights.csv`, and the same as Kafka's access control list.

What the table does not allow is forbidden. A name that ends with a dot or hyphen stands for all names that begin with
it, and `*` for all names.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLFilter,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
)
from kafka.admin import ResourcePattern, ResourcePatternFilter, ResourceType

__all__ = ["FILE", "Right", "grant", "principals", "rights"]

FILE = Path(__file__).with_name("rights.csv")

_KINDS = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transaction": ResourceType.TRANSACTIONAL_ID,
    "cluster": ResourceType.CLUSTER,
}


@dataclass(frozen=True)
class Right:
    """One line of the table: a principal may perform the operations on everything that has the name."""

    principal: str
    what: str
    name: str
    operations: tuple[str, ...]
    why: str


@cache
def rights() -> tuple[Right, ...]:
    """Return all lines of the table."""
    with FILE.open(newline="") as file:
        return tuple(
            Right(row["principal"], row["what"], row["name"], tuple(row["operations"].split()), row["why"])
            for row in csv.DictReader(file)
        )


def principals() -> tuple[str, ...]:
    """Return the names of all principals."""
    return tuple(dict.fromkeys(one.principal for one in rights()))
