"""The kinds of figures that coverage is stated of."""

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
"""By kind, what its figures are of. `int_coverage_days` says which events each rests on."""

CENSUS_KINDS: Final = ("social_care", "assessments")
"""What a children-in-need census is of: it has no contacts, no early help, and no hours between its facts."""
