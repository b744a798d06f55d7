"""
Checks of landed rows by Great Expectations.

`land` calls `validate`. Validation can flag rows or hold the marts, but it never hides a row and never stops an alert.
Great Expectations is imported at the first validation, because the import takes seconds.
"""

from expectations.docs import build_docs
from expectations.holds import Hold, holds, release
from expectations.results import ValidationResult, results_table
from expectations.validate import validate

__all__ = ["Hold", "ValidationResult", "build_docs", "holds", "release", "results_table", "validate"]
