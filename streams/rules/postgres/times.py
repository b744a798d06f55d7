"""Rewrite times, intervals and parts of dates for PostgreSQL."""

from sqlglot import exp

from streams.rules.postgres.rewriting import Place, called, collated, grouped, rewrites
from streams.rules.postgres.supported import refused
from streams.rules.postgres.types import INTEGERS, kind

__all__: list[str] = []

_SPANS = {
    "to_microseconds": "1 microsecond",
    "to_minutes": "1 minute",
    "to_hours": "1 hour",
    "to_months": "1 month",
}

_FORMATS = {"%-d %B %Y": "FMDD FMMonth YYYY"}
"""
Date formats for `strftime`, each with the same format for `to_char`.

Both functions write the names of months in English.
"""


@rewrites(exp.Anonymous)
def _named_function(node: exp.Anonymous, place: Place) -> exp.Expr:
    """Rewrite functions for which sqlglot has no class."""
    name, given = node.name.lower(), node.expressions
    if name == "list_unique":
        return place.helper("list_unique", collated(given[0]))
    if name == "epoch_us":
        return _microseconds(given[0])
    return _span(given[0], _SPANS[name]) if name in _SPANS else node


@rewrites(exp.ToDays)
def _days(node: exp.ToDays, _: Place) -> exp.Expr:
    """Rewrite `to_days`: the result is an interval of days."""
    return _span(node.this, "1 day")


def _span(number: exp.Expr, one: str) -> exp.Expr:
    """
    Return an interval: a number multiplied by a unit.

    The result is exact up to 2^53 microseconds, which are 285 years.
    """
    if kind(number) not in INTEGERS:
        raise refused(number, "is not a whole number")
    interval = exp.Cast(this=exp.Literal.string(one), to=exp.DataType.build("interval"))
    return exp.Paren(this=exp.Mul(this=grouped(number), expression=interval))


def _microseconds(moment: exp.Expr) -> exp.Expr:
    if kind(moment) not in {"timestamp", "time"}:
        raise refused(moment, "is not a time")
    seconds = exp.Extract(this=exp.var("EPOCH"), expression=moment)
    return exp.cast(exp.Paren(this=exp.Mul(this=seconds, expression=exp.Literal.number(1_000_000))), "bigint")


@rewrites(exp.DateDiff)
def _difference(node: exp.DateDiff, _: Place) -> exp.Expr:
    """Return the microseconds between two times of the same kind."""
    unit = node.unit
    if unit is None or unit.name.upper() != "MICROSECOND" or kind(node.this) != kind(node.expression):
        raise refused(node, "is not a difference in microseconds")
    return exp.Paren(this=exp.Sub(this=_microseconds(node.this), expression=_microseconds(node.expression)))


@rewrites(exp.Year, exp.Month, exp.Day, exp.DayOfWeekIso)
def _part(node: exp.Func, _: Place) -> exp.Expr:
    """Return parts of dates as whole numbers."""
    part = "ISODOW" if isinstance(node, exp.DayOfWeekIso) else type(node).__name__.upper()
    if kind(node.this) not in {"date", "timestamp"}:
        raise refused(node, "takes a part of something that is not a date")
    return exp.cast(exp.Extract(this=exp.var(part), expression=node.this), "bigint")


@rewrites(exp.DateFromParts)
def _date(node: exp.DateFromParts, _: Place) -> exp.Expr:
    """
    Cast the arguments to integers, because PostgreSQL accepts no other type.

    In both databases, a date that does not exist is an error.
    """
    return called("make_date", *(exp.cast(node.args[name], "int") for name in ("year", "month", "day")))


@rewrites(exp.AtTimeZone)
def _at_time_zone(node: exp.AtTimeZone, _: Place) -> exp.Expr:
    """
    Keep `AT TIME ZONE`.

    Its result is the same in both databases, even for an hour that a clock change repeats or skips.
    """
    if kind(node.this) not in {"timestamp", "timestamptz"} or not node.args["zone"].is_string:
        raise refused(node, "is not a time zone of a timestamp")
    return node


@rewrites(exp.TimeToStr)
def _written_date(node: exp.TimeToStr, _: Place) -> exp.Expr:
    """Allow only known date formats."""
    format_ = node.sql("duckdb").rpartition(", ")[2].strip("')")
    if kind(node.this) != "date" or format_ not in _FORMATS:
        raise refused(node, "writes a date in an unknown format")
    return called("to_char", node.this, exp.Literal.string(_FORMATS[format_]))
