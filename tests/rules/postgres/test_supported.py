"""
Translating the rules fails if a construct is not known to mean the same in PostgreSQL.

The error names the construct and its line.
"""

from dataclasses import replace

import pytest
import sqlglot
from sqlglot import exp

from streams.rules.compiled import compiled_rules
from streams.rules.postgres import supported
from streams.rules.postgres.derive import derived as derived_rules
from streams.rules.postgres.supported import NotKnown
from tests.rules.postgres.constructs import CONSTRUCTS
from tests.rules.postgres.given import derived

REFUSED = {
    "an unknown function": "SELECT regexp_matches(s, 'x') AS x",
    "a quotient that is no whole number": "SELECT i / 2 AS x",
    "a rest": "SELECT i % 2 AS x",
    "rounding": "SELECT round(i * 1.5) AS x",
    "a number with a point": "SELECT i * 2 AS x, 1.5 AS y",
    "a time as text": "SELECT m::varchar AS x",
    "text as a number": "SELECT s::integer AS x",
    "a time joined to text": "SELECT s || m AS x",
    "a boolean joined to text": "SELECT s || k AS x",
    "text compared with a number": "SELECT s = i AS x",
    "text compared with a written number": "SELECT s = 5 AS x",
    "a number compared with text": "SELECT i = '5' AS x",
    "text compared with a time": "SELECT s < m AS x",
    "lists compared": "SELECT l = li AS x",
    "lists of lists": "SELECT list(l) AS x",
    "an item from the beginning": "SELECT l[1] AS x",
    "a sorted list, backwards": "SELECT list_sort(l, 'DESC') AS x",
    "a difference in days": "SELECT date_diff('day', m, n) AS x",
    "a difference of times": "SELECT m - n AS x",
    "part of text from its end": "SELECT substr(s, -2) AS x",
    "a date written otherwise": "SELECT strftime(d, '%d.%m.%Y') AS x",
    "letters that are alike": "SELECT s ILIKE 'f%' AS x",
    "another collation": "SELECT s COLLATE NOCASE AS x",
    "a count of distinct values": "SELECT count(DISTINCT s) AS x",
    "an average": "SELECT avg(i) AS x",
    "a median": "SELECT median(i) AS x",
    "a value before, without NULLs": "SELECT lag(i IGNORE NULLS) OVER (ORDER BY id) AS x",
    "a window over a range": "SELECT sum(i) OVER (ORDER BY i RANGE BETWEEN 1 PRECEDING AND CURRENT ROW) AS x",
    "a struct's extreme": "SELECT max(made) AS x",
    "now": "SELECT now() AS x",
    "chance": "SELECT random() AS x",
}
CLAUSES = {
    "a full join": "FULL JOIN (SELECT 1 AS one) AS b ON true",
    "a right join": "RIGHT JOIN (SELECT 1 AS one) AS b ON true",
    "a positional join": "POSITIONAL JOIN (SELECT 1 AS one) AS b",
    "some rows": "ORDER BY id LIMIT 3",
    "a sample": "USING SAMPLE 3",
    "an order of the answer": "ORDER BY id",
}


@pytest.mark.parametrize("case", REFUSED)
def test_construct_that_is_not_known_is_refused(case):
    with pytest.raises(NotKnown, match=r"^(line 2: |sqlglot cannot)"):
        derived(
            f"-- What is said of it\n{REFUSED[case]}\nFROM (SELECT *, {{'s': s, 'i': i}} AS made FROM given) AS given"
        )


@pytest.mark.parametrize("case", CLAUSES)
def test_clause_that_is_not_known_is_refused(case):
    with pytest.raises(NotKnown):
        derived(f"SELECT id FROM given AS a\n{CLAUSES[case]}")


def test_recursion_without_keys_is_refused():
    with pytest.raises(NotKnown, match="recursive without keys"):
        derived("WITH RECURSIVE a AS (SELECT 1 AS x UNION ALL SELECT x FROM a WHERE x < 3) SELECT x FROM a")


def test_refusal_names_the_model(settings, tmp_path):
    """
    If one model contains an unknown construct, no rules are translated, and no result is stored for the next time.
    """
    compiled = compiled_rules(settings)
    (tmp_path / "marts.duckdb").symlink_to(compiled.seeds)
    last = compiled.models["int_alert_actions"]
    last = replace(last, sql=f"{last.sql}\nLIMIT 3")
    kept = {name: compiled.models[name] for name in ("stg_practice_profiles", "stg_events")}
    rules = replace(compiled, models={**kept, last.name: last}, rules={}, seeds=tmp_path / "marts.duckdb")

    with pytest.raises(NotKnown, match=r"^int_alert_actions, line \d+: LIMIT 3 is not known"):
        derived_rules(rules)
    assert list(tmp_path.iterdir()) == [tmp_path / "marts.duckdb"]


def test_every_known_construct_is_tested():
    """A construct may be added to the list only with a query that shows that the construct means the same."""
    seen: set[type] = set()
    functions: set[str] = set()
    for sql in CONSTRUCTS.values():
        for node in sqlglot.parse_one(sql, read="duckdb").walk():
            seen.add(type(node))
            functions |= {node.name.lower()} if isinstance(node, exp.Anonymous) else set()

    assert supported.KNOWN.keys() <= seen
    assert functions == supported.FUNCTIONS
