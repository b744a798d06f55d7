"""
Of which population and time the records are: what operators and importers state of the sources, and take back.

Figures rest on covered time alone (`dim_coverage`); alerts see everything.
"""

from streams.coverage.kinds import CENSUS_KINDS, KINDS
from streams.coverage.statements import EVERY_SOURCE, Statement, remove, standing, state, statement

__all__ = ["CENSUS_KINDS", "EVERY_SOURCE", "KINDS", "Statement", "remove", "standing", "state", "statement"]
