"""The audit entry: one event that says who saw or did what. It holds ids only: no name of a family, and no text."""

from typing import Annotated

import msgspec
from msgspec import Meta

from streams.contracts import codesets as c
from streams.contracts import fields as f

__all__ = ["AUDIT_LISTS", "AUDIT_TYPE", "MOST_IDS", "AuditEntry"]

AUDIT_TYPE = "uk.caf.audit.v1"

AUDIT_LISTS = ("alert_ids", "family_ids", "person_ids")
"""The fields that list whom or what an entry is about."""

MOST_IDS = 500
"""How many ids of one kind an entry lists at most. What is about more of them is recorded in several entries."""


_Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=f.IDENTIFIER_PATTERN)]
"""
An id of any kind. Words such as "unknown" are allowed, because the lake may still contain them as ids from before the
contract refused them.
"""


def _described(description: str, *examples: object, max_length: int | None = None) -> Meta:
    return Meta(description=description, examples=list(examples), max_length=max_length)


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    One entry of the audit: who saw or did what, when, and about whom.

    An entry holds only ids. `entry_id` is unique. If an entry was sent twice, both records are the same, and count
    once.
    """

    entry_id: Annotated[str, _described("Id of the entry.", "0b9c6c1e5f3b4c0f9a7e2d1c3b4a5968")]
    at: Annotated[f.Moment, Meta(description="When it was done, just before its result was shown.")]
    actor: c.AuditActor
    who: Annotated[
        str | None,
        _described(
            "Name of the account, login of the user, or name of the part; empty if it is not known.", "duty-birkenhead"
        ),
    ] = None
    who_id: Annotated[
        str | None,
        _described(
            "The login provider's id of the account, because people can change their names there; empty for an account "
            "of the home.",
            "248289761001",
        ),
    ] = None
    role: Annotated[str | None, _described("Role of the account when it did this.", "desk")] = None
    action: c.AuditAction
    outcome: c.AuditOutcome
    subject: Annotated[
        str | None,
        _described(
            "What was seen or changed, as the system calls it: a page, the tables of a query, a hold, an account.",
            "landing.main.events",
        ),
    ] = None
    alert_ids: Annotated[
        list[_Id],
        _described("The alerts that were seen or acted on.", ["3f2b8c0d9a4e5f60718293a4b5c6d7e8"], max_length=MOST_IDS),
    ] = []
    family_ids: Annotated[
        list[_Id], _described("The families that it was about.", ["F-000123"], max_length=MOST_IDS)
    ] = []
    person_ids: Annotated[
        list[_Id], _described("The persons that it was about.", ["P-000456"], max_length=MOST_IDS)
    ] = []
