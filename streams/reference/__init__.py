"""Reference data that comes with the project. `README.md` in this folder names the source and licence of each file."""

from pathlib import Path

__all__ = ["REFERENCE"]

REFERENCE = Path(__file__).resolve().parent
"""The folder with the files."""
