"""The contract: a frozen struct for each event type, and everything that is derived from these structs."""

from streams.contracts.case_people import *  # noqa: F403  (registers the events)
from streams.contracts.case_work import *  # noqa: F403
from streams.contracts.checks import Reason
from streams.contracts.decode import admit, decode
from streams.contracts.envelope import Correction, Envelope, Withdrawal
from streams.contracts.escalation import *  # noqa: F403
from streams.contracts.event import Event, event_types
from streams.contracts.record import Accepted, Rejected
from streams.contracts.referral import *  # noqa: F403

__all__ = [
    "Accepted",
    "Correction",
    "Envelope",
    "Event",
    "Reason",
    "Rejected",
    "Withdrawal",
    "admit",
    "decode",
    "event_types",
]
