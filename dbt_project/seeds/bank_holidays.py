# ruff: noqa: INP001 - this script is beside the file that it writes, and dbt's folders are not packages
"""
Write the bank holidays of England, as the `holidays` package has them, to `working_calendar.csv`.

Run `python dbt_project/seeds/bank_holidays.py` after an update of the package. A test compares the file with what this
script writes.
"""

import csv
import io
from pathlib import Path

import holidays

YEARS = range(2016, 2031)
TARGET = Path(__file__).with_name("working_calendar.csv")


def working_calendar() -> str:
    """Return the text of the file, with one row per bank holiday."""
    rows = sorted(holidays.country_holidays("GB", subdiv="ENG", years=YEARS, language="en_GB").items())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["nation", "holiday_on", "holiday"])
    writer.writerows(["england", day.isoformat(), name] for day, name in rows)
    return text.getvalue()


if __name__ == "__main__":
    TARGET.write_text(working_calendar(), encoding="utf-8")
