"""The page about the performance marts only uses columns that the marts' contracts declare."""

import re

import duckdb
import pytest
import yaml

from streams.settings import PROJECT

PAGE = PROJECT / "docs" / "performance-marts.md"
QUESTIONS = [
    line for block in re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL) for line in block.splitlines()
]


@pytest.fixture(scope="module")
def declared():
    """Empty marts with the columns that their contracts declare."""
    with duckdb.connect() as connection:
        connection.execute("ATTACH ':memory:' AS marts; CREATE SCHEMA marts.analytics")
        for path in (PROJECT / "dbt_project" / "models" / "analytics").glob("mart_*.yml"):
            for model in yaml.safe_load(path.read_text())["models"]:
                columns = ", ".join(f'"{column["name"]}" {column["data_type"]}' for column in model["columns"])
                connection.execute(f"CREATE TABLE marts.analytics.{model['name']} ({columns})")
        yield connection


@pytest.mark.parametrize("question", QUESTIONS)
def test_question_is_answered_in_one_line(declared, question):
    assert declared.execute(question).description


def test_every_performance_mart_answers_three_questions():
    asked = [re.search(r"analytics\.(\w+)", question)[1] for question in QUESTIONS]

    assert {mart: asked.count(mart) for mart in asked} == dict.fromkeys(asked, 3)
