"""Record in the lake whether an imported census is complete for its year."""

from datetime import date
from functools import partial

from streams.coverage import CENSUS_KINDS, Statement, standing, state, statement
from streams.importers.cin_file import Header
from streams.importers.cin_messages import source
from streams.lake.connect import connect
from streams.lake.schema import ensure_landing
from streams.settings import Settings

__all__ = ["name_source", "state_whole"]


def name_source(settings: Settings, header: Header) -> None:
    """
    Record that the census is incomplete, unless the lake already has a statement about this census.

    Call this before the events of the census are sent. As soon as the lake has a statement about a source, figures use
    this source only for times that it covers completely.

    Raises:
        LakeUnavailable: the lake does not answer.
    """
    with connect(settings, landing="read_write", marts=None) as lake:
        ensure_landing(lake)
        if not any(one.source == source(header) and one.covers_to == _last_day(header) for one in standing(lake)):
            state(lake, _of_year(header)(is_whole=False, why="imported: nobody has stated that it is the whole year"))


def state_whole(settings: Settings, header: Header) -> None:
    """
    Record that the census is complete: it contains all children in need of its authority in its year.

    Raises:
        LakeUnavailable: the lake does not answer.
    """
    with connect(settings, landing="read_write", marts=None) as lake:
        state(lake, _of_year(header)(is_whole=True, why="imported as the authority's whole return"))


def _of_year(header: Header) -> partial[Statement]:
    first = date(header.year - 1, 4, 1)
    return partial(statement, header.authority.gss_code, source(header), CENSUS_KINDS, first, _last_day(header))


def _last_day(header: Header) -> date:
    return date(header.year, 3, 31)
