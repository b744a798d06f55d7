"""A database session that plans each statement once, on a real server."""

from collections.abc import Iterator
from contextlib import closing

import psycopg2
import pytest

from streams.lake import session as module
from streams.lake.postgres import Postgres
from streams.lake.session import Session
from streams.settings import Settings


@pytest.fixture
def session(settings: Settings, postgres: Postgres) -> Iterator[Session]:
    with closing(Session(postgres.dsn(settings.database), "a test")) as session:
        session.command("CREATE TEMP TABLE numbers (number integer)")
        yield session


def test_statement_is_planned_once_however_often_it_runs(session: Session) -> None:
    for number in range(5):
        assert session.run("SELECT $1::integer + 1", number) == [(number + 1,)]

    ((calls, plans),) = session.run(
        "SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE $1", "%integer + 1%"
    )
    assert (calls, plans) == (5, 0)


def test_few_statements_are_kept(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The statement that was unused for the longest time is dropped, and is prepared again at its next use."""
    monkeypatch.setattr(module, "_MOST_STATEMENTS", 3)

    assert [session.run(f"SELECT {number}") for number in (1, 2, 3, 4, 1)] == [[(n,)] for n in (1, 2, 3, 4, 1)]
    assert session.run("SELECT count(*) FROM pg_prepared_statements") == [(3,)]


def test_failed_transaction_leaves_nothing_and_the_session_goes_on(session: Session) -> None:
    def fails(divisor: int) -> None:
        with session.transaction():
            session.run("INSERT INTO pg_temp.numbers VALUES ($1)", 1)
            session.run("SELECT 1 / $1", divisor)
            raise LookupError

    for divisor, error in ((0, psycopg2.errors.DivisionByZero), (1, LookupError)):
        with pytest.raises(error):
            fails(divisor)

    with session.transaction():
        session.run("INSERT INTO pg_temp.numbers VALUES ($1)", 3)
    assert session.run("SELECT number FROM pg_temp.numbers") == [(3,)]


def test_transaction_within_another_is_a_part_of_it(session: Session) -> None:
    def fails() -> None:
        with session.transaction():
            with session.transaction():
                session.run("INSERT INTO pg_temp.numbers VALUES ($1)", 1)
            raise LookupError

    with pytest.raises(LookupError):
        fails()
    assert session.run("SELECT number FROM pg_temp.numbers") == []


def test_planner_is_set_as_wanted_after_a_failed_transaction(session: Session) -> None:
    """PostgreSQL rolls back settings that were made in the failed transaction."""
    session.plan_with(enable_seqscan="off")

    def fails() -> None:
        with session.transaction(), session.planning(enable_seqscan="on"):
            session.run("SELECT 1 / $1::integer", 0)

    for _ in range(2):
        with pytest.raises(psycopg2.errors.DivisionByZero):
            fails()
        assert session.run("SELECT current_setting('enable_seqscan')") == [("off",)]
        with session.planning(enable_seqscan="on"):
            assert session.run("SELECT current_setting('enable_seqscan')") == [("on",)]


def test_transaction_without_a_statement_changes_nothing(session: Session) -> None:
    with session.transaction():
        pass

    with session.transaction():
        session.run("INSERT INTO pg_temp.numbers VALUES ($1)", 1)
    assert session.run("SELECT number FROM pg_temp.numbers") == [(1,)]
