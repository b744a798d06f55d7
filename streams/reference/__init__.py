"""Reference data that the project ships; `README.md` beside this module gives source and licence of each file."""

from pathlib import Path

__all__ = ["REFERENCE"]

REFERENCE = Path(__file__).resolve().parent
"""The folder of the files."""
