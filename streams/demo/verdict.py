"""Check a demo run: every planted case raised its alert, no near miss did, and streamed and rebuilt alerts agree."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import duckdb

from streams.marts.reconcile import compare
from streams.simulate.truth import Claim

__all__ = ["Verdict", "check_claims"]

_RAISED = """
    select rule, entity_kind, entity_id, alert_id from landing.main.alerts
    where not test
    qualify row_number() over (partition by alert_id order by version desc) = 1 and status <> 'withdrawn'
"""


@dataclass
class Verdict:
    """The results of all checks of a demo run."""

    checks: dict[str, bool] = field(default_factory=dict)
    """For each check, the sentence that describes it, and whether the check passed."""
    details: list[str] = field(default_factory=list)
    """The failures, with one line for each."""

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return all(self.checks.values())

    def add(self, sentence: str, failures: Iterable[str]) -> None:
        """Record a check and its failures."""
        failures = list(failures)
        self.checks[sentence] = not failures
        self.details += [f"{sentence}: {failure}" for failure in failures]


def check_claims(lake: duckdb.DuckDBPyConnection, claims: Iterable[Claim], verdict: Verdict) -> None:
    """Check planted cases and near misses, and compare streamed with rebuilt alerts. Add the results to the verdict."""
    known = {row[0] for row in lake.execute("select rule from marts.reference.rules").fetchall()}
    # Leave out cases for rules that do not exist yet. The simulator plants such cases.
    claims = [claim for claim in claims if claim.rule in known]
    rows = lake.execute(_RAISED).fetchall()
    ids = {row[3] for row in rows}
    entities = {row[:3] for row in rows}
    planted = [claim for claim in claims if claim.expected]
    verdict.add(f"{len(planted)} planted cases alerted", (_named(c) for c in planted if c.alert_id not in ids))
    # Leave out near misses of a single clause of a rule. Such a near miss may make another clause true, and an alert
    # does not say which clause was true.
    misses = [claim for claim in claims if not claim.expected and not claim.clause]
    verdict.add(
        f"{len(misses)} near misses left alone",
        (_named(c) for c in misses if (c.rule, c.entity_kind, c.entity_id) in entities),
    )
    found = compare(lake)
    verdict.add(
        f"{found.alerts} alerts: streamed = rebuilt",
        ["no build at a watermark of the watcher"]
        if found.as_of is None
        else (f"{d.rule} {d.alert_id} {d.kind} {d.what}" for d in found.differences),
    )


def _named(claim: Claim) -> str:
    return f"{claim.rule} for {claim.entity_kind} {claim.entity_id} (story {claim.story_id}: {claim.why})"
