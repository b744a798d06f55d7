"""The CloudEvents 1.0 envelope (structured JSON) around every event, and the data of corrections and withdrawals."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from streams.contracts import codesets as c
from streams.contracts import fields as f

__all__ = ["Correction", "Envelope", "Withdrawal"]

_NOTHING: Mapping[str, object] = MappingProxyType({})


class Envelope(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """
    CloudEvents 1.0 with two extension attributes, `authority` and `backfill`.

    `time` is when the fact happened, which may be long before it arrives.
    Source: https://github.com/cloudevents/spec (v1.0.2).
    """

    needed: ClassVar[frozenset[str]] = frozenset()
    otherwise: ClassVar[Mapping[str, object]] = _NOTHING

    specversion: Annotated[Literal["1.0"], Meta(description="Version of CloudEvents.", examples=["1.0"])]
    id: f.EventId
    source: f.EventSource
    type: f.EventType
    time: f.Moment
    authority: f.AuthorityCode
    data: msgspec.Raw
    backfill: Annotated[
        bool,
        Meta(
            description="Whether the event is from history: it is landed and evaluated, but its alerts go to nobody.",
            examples=[False],
        ),
    ] = False
    datacontenttype: Annotated[
        str,
        Meta(
            pattern=f.JSON_PATTERN,
            description="Media type of `data`: JSON.",
            examples=["application/json"],
        ),
    ] = "application/json"


class Correction(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """
    Data of `…corrected.v1`: a full replacement of one earlier event of the same topic and key.

    A correction may arrive before the event that it corrects. If an event has several corrections, the one with the
    latest `(time, id)` counts. An event that was recorded on the wrong family is withdrawn there, and sent again for
    the right family.
    """

    needed: ClassVar[frozenset[str]] = frozenset()
    otherwise: ClassVar[Mapping[str, object]] = MappingProxyType({"withdrawal_reason": None})

    root_source: f.EventSource
    root_id: f.EventId
    withdrawal_reason: c.WithdrawalReason
    replaced_type: f.EventType
    replaced_time: f.ReplacedMoment
    replacement: msgspec.Raw
    root_time: f.RootMoment | None = None


class Withdrawal(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Data of `…withdrawn.v1`: one earlier event of the same topic and key did not happen as recorded."""

    needed: ClassVar[frozenset[str]] = frozenset({"family_id", "person_id", "alert_id"})
    otherwise: ClassVar[Mapping[str, object]] = MappingProxyType({"withdrawal_reason": None})

    root_source: f.EventSource
    root_id: f.EventId
    withdrawal_reason: c.WithdrawalReason
    root_time: f.RootMoment | None = None
    family_id: f.FamilyId | None = None
    person_id: f.PersonId | None = None
    alert_id: f.AlertId | None = None

    @property
    def key(self) -> str | None:
        """The Kafka key of the withdrawn event."""
        return self.family_id or self.person_id or self.alert_id
