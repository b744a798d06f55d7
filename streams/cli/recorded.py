"""Record what the user of this command sees or does, before the command shows or does it."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from types import MappingProxyType

import click

from streams.audit.entries import Actor, entries, this_user
from streams.audit.recorder import Recorder
from streams.contracts.codesets import AuditAction, AuditOutcome
from streams.settings import Settings

__all__ = ["record"]


def record(
    settings: Settings,
    action: AuditAction,
    subject: str | None = None,
    ids: Mapping[str, Sequence[str]] = MappingProxyType({}),
    *,
    actor: Actor | None = None,
    outcome: AuditOutcome = AuditOutcome.ALLOWED,
) -> None:
    """
    Record that the user of this command sees or does something.

    Args:
        ids: the `alert_ids`, `family_ids` and `person_ids` that it is about.
        actor: who it is; if None, the user of the machine.

    Raises:
        AuditUnavailable: it cannot be recorded, so the command must not show or do it.
    """
    with closing(Recorder(settings)) as recorder:
        recorder.record(entries(actor or this_user(), action, subject, ids, outcome))
        if recorder.waits():
            click.echo("no Kafka broker answers, so the audit entry of this command waits in CAF_HOME/audit", err=True)
