"""The 95 % intervals that the SQL calculates, compared with exact values and with examples of the defining papers."""

import duckdb
import jinja2
import pytest
from scipy.stats import binomtest, chi2

from streams.settings import PROJECT

MACROS = (PROJECT / "dbt_project" / "macros" / "intervals.sql").read_text()
COUNTS = [*range(60), 100, 630, 4152]


def computed(expression: str, rows: str) -> list[tuple[float, ...]]:
    """Evaluate an expression with macros for each row of a query."""
    sql = jinja2.Environment(autoescape=False).from_string(MACROS + expression).render()
    return duckdb.sql(f"select {sql} from ({rows}) as given").fetchall()


def test_limits_of_counts_are_exact_below_ten_and_within_a_quarter_percent_from_there_on():
    rows = f"select unnest({COUNTS})::bigint as n"
    found = computed("{{ poisson_lower('n') }}, {{ poisson_upper('n') }}", rows)

    for n, (lower, upper) in zip(COUNTS, found, strict=True):
        tolerance = 1e-8 if n < 10 else 0.0025
        assert lower == pytest.approx(chi2.ppf(0.025, 2 * n) / 2 if n else 0, rel=tolerance), n
        assert upper == pytest.approx(chi2.ppf(0.975, 2 * n + 2) / 2, rel=tolerance), n


@pytest.mark.parametrize(("numerator", "denominator"), [(0, 1), (0, 40), (1, 1), (3, 7), (81, 263), (958, 4152)])
def test_limits_of_shares_are_wilsons(numerator, denominator):
    rows = f"select {numerator}::bigint as n, {denominator}::double as d"
    [(lower, upper)] = computed("{{ wilson('n', 'd', '-') }}, {{ wilson('n', 'd', '+') }}", rows)
    exact = binomtest(numerator, denominator).proportion_ci(method="wilson")

    assert (lower, upper) == pytest.approx((exact.low, exact.high), abs=1e-12)


@pytest.mark.parametrize(
    ("later", "earlier", "limits"),
    [
        ((56, 70), (48, 80), (0.0524, 0.3339)),
        ((9, 10), (3, 10), (0.1705, 0.8090)),
        ((5, 56), (0, 29), (-0.0381, 0.1926)),
        ((10, 10), (0, 20), (0.6791, 1.0000)),
    ],
)
def test_limits_of_differences_of_shares_are_those_of_newcombes_table(later, earlier, limits):
    """The expected limits are from Newcombe, Statistics in Medicine 17 (1998), table II, method 10."""

    def side(numerator: int, denominator: int) -> str:
        values = f"{numerator} / {denominator} as value, {numerator}::bigint as n, {denominator}::double as d"
        low, high = "{{ wilson('n', 'd', '-') }}", "{{ wilson('n', 'd', '+') }}"
        return f"(select value, {low} as lower, {high} as upper from (select {values}) as counts)"

    template = MACROS + f"from {side(*later)} as later, {side(*earlier)} as earlier select "
    template += "{{ change_lower('later', 'earlier') }}, {{ change_upper('later', 'earlier') }}"
    [found] = duckdb.sql(jinja2.Environment(autoescape=False).from_string(template).render()).fetchall()

    assert found == pytest.approx(limits, abs=5e-5)
