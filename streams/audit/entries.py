"""Make audit entries: who did what, about which alerts, families and persons."""

import os
import pwd
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any
from uuid import uuid4

from streams.contracts.audit import MOST_IDS, AuditEntry
from streams.contracts.codesets import AuditAction, AuditActor, AuditOutcome
from streams.contracts.outputs import Alert

__all__ = ["Actor", "about_alerts", "entries", "entry", "this_user"]

_CHILD = "child"
"""The kind of alerts that are about one child, so that their `entity_id` is the id of a person."""


@dataclass(frozen=True)
class Actor:
    """Who does something: an account, a user of the machine, a part, or nobody who is known."""

    kind: AuditActor
    who: str | None = None
    role: str | None = None
    who_id: str | None = None


def this_user() -> Actor:
    """
    Return the user who runs this process.

    The kernel says who it is. The variables of the environment do not, because the user can change them.
    """
    number = os.getuid()
    try:
        return Actor(AuditActor.USER, pwd.getpwuid(number).pw_name)
    except KeyError:
        return Actor(AuditActor.USER, f"user {number}")


def entry(actor: Actor, action: AuditAction, subject: str | None = None, **more: Any) -> AuditEntry:
    """Return one entry, made now. `more` are further fields of the entry."""
    return AuditEntry(
        entry_id=uuid4().hex,
        at=datetime.now(UTC),
        actor=actor.kind,
        who=actor.who,
        role=actor.role,
        who_id=actor.who_id,
        action=action,
        outcome=more.pop("outcome", AuditOutcome.ALLOWED),
        subject=subject,
        **more,
    )


def entries(
    actor: Actor,
    action: AuditAction,
    subject: str | None = None,
    ids: Mapping[str, Sequence[str]] = MappingProxyType({}),
    outcome: AuditOutcome = AuditOutcome.ALLOWED,
) -> list[AuditEntry]:
    """
    Return entries about any number of alerts, families and persons. There is always at least one entry.

    Args:
        ids: `alert_ids`, `family_ids` and `person_ids`.
    """
    whole = {name: list(dict.fromkeys(found)) for name, found in ids.items()}
    most = max(map(len, whole.values()), default=0)
    return [
        entry(
            actor,
            action,
            subject,
            outcome=outcome,
            **{name: found[first : first + MOST_IDS] for name, found in whole.items()},
        )
        for first in range(0, max(most, 1), MOST_IDS)
    ]


def about_alerts(alerts: Iterable[Alert]) -> dict[str, list[str]]:
    """Return the ids that an entry about these alerts lists."""
    found = list(alerts)
    return {
        "alert_ids": [alert.alert_id for alert in found],
        "family_ids": [alert.family_id for alert in found if alert.family_id],
        "person_ids": [alert.entity_id for alert in found if alert.entity_kind == _CHILD],
    }
