"""Where should the next early-help service go? Answer this question with queries and a chart."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(
    width="medium",
    app_title="Where should the next early-help service go?",
)


@app.cell(hide_code=True)
def _():
    import marimo as mo

    mo.md(
        """
        # Where should the next early-help service go?

        This page reads every figure from the marts when you open it. If you change a query, its cell runs again, and
        so do all cells that depend on it. Nothing here can change the lake.
        """
    )
    return (mo,)


@app.cell
def _():
    import altair as alt

    from streams.lake.connect import connect_as
    from streams.lake.roles import SqlRole
    from streams.settings import Settings

    settings = Settings.from_env()
    lake = connect_as(settings, SqlRole.ANALYST)
    return alt, lake, settings


@app.cell(hide_code=True)
def _(lake, mo):
    (as_of,) = lake.execute("select as_of from marts.run.as_of").fetchone()
    mo.md(f"The marts contain all records up to **{as_of:%d %B %Y, %H:%M} UTC**.")
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 1. Where is need higher than deprivation explains?

    A ward with many poor children has many referrals, and nobody is surprised by that. `expected` is the number of
    referrals that the ward would have if its children were referred at the authority's average rate for their decile
    of deprivation. If the whole interval of observed / expected lies above 1, deprivation and chance do not explain
    the referrals.
    """)
    return


@app.cell
def _(lake, settings):
    need = lake.execute(
        """
        select area_code, area_name, numerator as referrals, round(expected, 1) as expected,
               observed_to_expected, ratio_lower, ratio_upper
        from marts.analytics.mart_locality_need
        where measure = 'dfe_referrals_per_10000' and area_level = 'ward' and area_code <> 'unknown'
            and authority_code = $1
            and period_kind = 'rolling_12_months'
        qualify period_start = max(period_start) over ()
        order by observed_to_expected desc
        """,
        [settings.authority],
    ).df()
    need
    return (need,)


@app.cell(hide_code=True)
def _(alt, need):
    names = alt.Y("area_name:N", sort=list(need.area_name), title=None)
    base = alt.Chart(need, title="Referrals to social care in the last 12 months, observed / expected, by ward")
    chart = (
        base.mark_rule(color="#555").encode(
            y=names, x=alt.X("ratio_lower:Q", title="observed / expected"), x2="ratio_upper:Q"
        )
        + base.mark_point(filled=True, size=70, color="#0072B2").encode(
            y=names, x="observed_to_expected:Q", tooltip=["area_name", "referrals", "expected"]
        )
        + alt.Chart(need).mark_rule(strokeDash=[4, 4], color="#000").encode(x=alt.datum(1))
    )
    chart
    return


@app.cell(hide_code=True)
def _(mo):
    mo.md("""
    ## 2. Is there early help already?

    Look at the wards that have more need than expected. The best candidates are those with the fewest CAFs and
    early-help assessments per child.
    """)
    return


@app.cell
def _(lake, settings):
    candidates = lake.execute(
        """
        with latest as (
            from marts.analytics.mart_locality_need
            where area_level = 'ward' and area_code <> 'unknown' and authority_code = $1
                and period_kind = 'rolling_12_months'
            qualify period_start = max(period_start) over ()
        )
        select need.area_name, round(need.observed_to_expected, 2) as observed_to_expected,
               round(caf.value, 1) as cafs_per_10000, caf.sibling_rank as caf_rank, caf.siblings as wards
        from latest as need
        inner join latest as caf on caf.area_code = need.area_code and caf.measure = 'cafs_per_10000'
        where need.measure = 'dfe_referrals_per_10000' and need.observed_to_expected > 1
        order by caf.value
        """,
        [settings.authority],
    ).df()
    candidates
    return (candidates,)


@app.cell(hide_code=True)
def _(candidates, mo):
    mo.md(
        f"**{candidates.area_name[0]}** has {candidates.observed_to_expected[0]:.2f} times the referrals that its "
        f"deprivation explains, and {candidates.cafs_per_10000[0]:.1f} early-help assessments per 10,000 children: "
        f"rank {candidates.caf_rank[0]} of {candidates.wards[0]} wards."
        if len(candidates)
        else "No ward has more referrals than its deprivation explains."
    )
    return


@app.cell(hide_code=True)
def _(lake, mo):
    definitions = lake.execute(
        """
        select measure, title, numerator, denominator, source, caveat from marts.analytics.dim_measure
        where measure in ('dfe_referrals_per_10000', 'cafs_per_10000')
        """
    ).df()
    mo.vstack([mo.md("## What these measures mean"), definitions])
    return


if __name__ == "__main__":
    app.run()
