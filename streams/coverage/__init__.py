"""
Record which population and time the records cover.

Operators and importers state this about the sources, and can remove a statement. Figures exist only for covered time
(`dim_coverage`). Alerts use all records.
"""

from streams.coverage.kinds import CENSUS_KINDS, KINDS
from streams.coverage.statements import EVERY_SOURCE, Statement, remove, standing, state, statement

__all__ = ["CENSUS_KINDS", "EVERY_SOURCE", "KINDS", "Statement", "remove", "standing", "state", "statement"]
