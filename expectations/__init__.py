"""
What is expected of the rows that have landed, judged by Great Expectations.

`validate` is handed to `land`; it flags rows and may hold the marts, it never hides a row or holds back an alert.
Great Expectations is imported with the first judgement, because that takes seconds.
"""

from expectations.docs import build_docs
from expectations.holds import Hold, holds, release
from expectations.results import ValidationResult, results_table
from expectations.validate import validate

__all__ = ["Hold", "ValidationResult", "build_docs", "holds", "release", "results_table", "validate"]
