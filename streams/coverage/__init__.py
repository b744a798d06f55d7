"""
Statements about the population and time for which the records are complete.

Operators and importers make such statements about sources, and can remove a statement. Figures exist only for covered
time (`dim_coverage`). Alerts are raised on all records, covered or not.
"""

from streams.coverage.kinds import CENSUS_KINDS, KINDS
from streams.coverage.statements import EVERY_SOURCE, Statement, remove, standing, state, statement

__all__ = ["CENSUS_KINDS", "EVERY_SOURCE", "KINDS", "Statement", "remove", "standing", "state", "statement"]
