"""The kinds of figures. A statement of coverage names the kinds that it is about."""

from typing import Final

__all__ = ["CENSUS_KINDS", "KINDS"]

KINDS: Final = {
    "contacts": "contacts",
    "referrals": "referrals to any service",
    "social_care": "children referred to social care, with source, need and outcome",
    "early_help": "CAFs and early help assessments",
    "clocks": "how long referrals wait for the front door and the hub",
    "assessments": "how long child and family assessments take",
    "levels": "levels of need, steps up and down, closures",
    "services": "requests for partners' services",
    "meetings": "who takes part in meetings, reviews and assessments",
    "outcomes": "outcomes that were scored",
    "history": "earlier referrals of the same children, to look back on, without figures of their own",
}
"""What each kind of figures is about. `int_coverage_days` has the events that each kind depends on."""

CENSUS_KINDS: Final = ("social_care", "assessments")
"""
The kinds of figures that a children in need census covers.

The census has no contacts and no early help. It gives only days, so figures in hours cannot be calculated from it.
"""
