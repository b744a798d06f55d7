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
    ResourcePattern,
    ResourcePatternFilter,
    ResourceType,
)

from streams.errors import StackFailed

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


def grant(client: KafkaAdminClient) -> None:
    """
    Make the broker's access control list equal to the table: add what is missing, and delete what is not in the table.

    Raises:
        StackFailed: the broker refuses an entry.
    """
    wanted = {entry for right in rights() for entry in _entries(right)}
    found = set(client.describe_acls(_EVERYTHING)[0])
    if missing := list(wanted - found):
        refused = client.create_acls(missing)["failed"]
        if refused:
            raise StackFailed(f"Kafka refuses rights of {FILE.name}: {refused[0].__name__}")
    if surplus := list(found - wanted):
        client.delete_acls(surplus)


_EVERYTHING = ACLFilter(
    principal=None,
    host=None,
    operation=ACLOperation.ANY,
    permission_type=ACLPermissionType.ANY,
    resource_pattern=ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)


def _entries(right: Right) -> Iterable[ACL]:
    return (
        ACL(
            principal=f"User:{right.principal}",
            host="*",
            operation=ACLOperation[operation.upper()],
            permission_type=ACLPermissionType.ALLOW,
            resource_pattern=_pattern(right),
        )
        for operation in right.operations
    )


def _pattern(right: Right) -> ResourcePattern:
    begins = right.name.endswith((".", "-"))
    kind = ACLResourcePatternType.PREFIXED if begins else ACLResourcePatternType.LITERAL
    return ResourcePattern(_KINDS[right.what], right.name, kind)
