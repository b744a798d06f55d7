"""
Which principal may do what on the embedded broker: the table `rights.csv`, and the same as Kafka's access control list.

The rights of the partners follow from the table of partners (`streams.kafka.partners`). What the tables do not allow is
forbidden. A line whose operations begin with `not` forbids them, even if another line allows them. A name that ends
with a dot or hyphen stands for all names that begin with it, and `*` for all names.
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
from kafka.errors import KafkaError, NoError

from streams.errors import PartnersInvalid, StackFailed
from streams.kafka.partners import Partner

__all__ = ["FILE", "Right", "grant", "principals", "rights"]

FILE = Path(__file__).with_name("rights.csv")

_NOT = "not"
_BROKER = "broker"
_KINDS = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transaction": ResourceType.TRANSACTIONAL_ID,
    "cluster": ResourceType.CLUSTER,
}


@dataclass(frozen=True)
class Right:
    """
    One line of the table: a principal may perform the operations on everything that has the name.

    If `is_forbidden` is true, the principal must not perform them, whatever other lines allow.
    """

    principal: str
    what: str
    name: str
    operations: tuple[str, ...]
    why: str
    is_forbidden: bool = False


@cache
def rights(partners: tuple[Partner, ...] = ()) -> tuple[Right, ...]:
    """
    Return the rights of the parts, and those of the given partners. A partner may only write to its inbound topic.

    Raises:
        PartnersInvalid: a partner has the name of a part.
    """
    with FILE.open(newline="") as file:
        found = [_right(row) for row in csv.DictReader(file)]
    taken = {_BROKER, *(right.principal for right in found)}
    for one in partners:
        if one.name in taken:
            raise PartnersInvalid(f"a partner must not be called {one.name!r}; taken: {', '.join(sorted(taken))}")
        found.append(Right(one.name, "topic", one.topic, ("describe", "write"), one.who))
    return tuple(found)


def principals(partners: tuple[Partner, ...] = ()) -> tuple[str, ...]:
    """Return the names of the principals of all parts, and of the given partners."""
    return tuple(dict.fromkeys(one.principal for one in rights(partners)))


def grant(client: KafkaAdminClient, partners: tuple[Partner, ...] = ()) -> None:
    """
    Make the broker's access control list equal to the rights: add what is missing, and delete everything else.

    Raises:
        PartnersInvalid: a partner has the name of a part.
        StackFailed: the broker refuses an entry.
    """
    wanted = {entry for right in rights(partners) for entry in _entries(right)}
    found = set(client.describe_acls(_EVERYTHING)[0])
    if missing := list(wanted - found):
        _check(client.create_acls(missing)["failed"], f"refuses rights of {FILE.name}")
    if surplus := list(found - wanted):
        # A right that is not in the table must not stay in force unnoticed.
        _check([error for _, _, error in client.delete_acls(surplus)], f"keeps rights that are not in {FILE.name}")


def _check(errors: Iterable[type[KafkaError]], what: str) -> None:
    if refused := [error for error in errors if error is not NoError]:
        raise StackFailed(f"Kafka {what}: {refused[0].__name__}")


_EVERYTHING = ACLFilter(
    principal=None,
    host=None,
    operation=ACLOperation.ANY,
    permission_type=ACLPermissionType.ANY,
    resource_pattern=ResourcePatternFilter(ResourceType.ANY, None, ACLResourcePatternType.ANY),
)


def _right(row: dict[str, str]) -> Right:
    operations = row["operations"].split()
    forbids = operations[0] == _NOT
    return Right(row["principal"], row["what"], row["name"], tuple(operations[forbids:]), row["why"], forbids)


def _entries(right: Right) -> Iterable[ACL]:
    return (
        ACL(
            principal=f"User:{right.principal}",
            host="*",
            operation=ACLOperation[operation.upper()],
            permission_type=ACLPermissionType.DENY if right.is_forbidden else ACLPermissionType.ALLOW,
            resource_pattern=_pattern(right),
        )
        for operation in right.operations
    )


def _pattern(right: Right) -> ResourcePattern:
    begins = right.name.endswith((".", "-"))
    kind = ACLResourcePatternType.PREFIXED if begins else ACLResourcePatternType.LITERAL
    return ResourcePattern(_KINDS[right.what], right.name, kind)
