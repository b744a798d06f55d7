"""Which rules the watcher evaluates, and with which SQL statement, when records have arrived."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from streams.watch.rule_sets import RuleSets

FACTS = st.frozensets(st.sampled_from("abcdefgh"), max_size=5)
RULES = st.dictionaries(st.text("xyz", min_size=1, max_size=2), FACTS, max_size=12)
ARRIVED = st.lists(st.lists(st.sampled_from([*"abcdefgh", "none", None]), max_size=4), max_size=6)


def sets_of(rules: dict[str, frozenset[str]]) -> RuleSets:
    return RuleSets({name: SimpleNamespace(facts=facts) for name, facts in rules.items()})


@given(RULES, ARRIVED)
def test_every_rule_that_a_fact_can_change_is_evaluated(rules, arrived) -> None:
    sets = sets_of(rules)
    asked = {("family", f"F-{number}"): sets.changed_by(facts) for number, facts in enumerate(arrived)}

    for place, wanted in asked.items():
        evaluated = [rules for rules, places in sets.grouped(asked).items() for one in places if one == place]
        assert wanted == {name for name, facts in rules.items() if facts & set(arrived[int(place[1][2:])])}
        assert wanted <= frozenset().union(*evaluated)
        assert frozenset().union(*evaluated) in (wanted, sets.all)


@given(RULES, ARRIVED)
def test_there_are_no_more_sets_than_facts_and_one_for_all(rules, arrived) -> None:
    sets = sets_of(rules)
    asked = {("family", f"F-{number}"): sets.changed_by(facts) for number, facts in enumerate(arrived)}

    assert set(sets.grouped(asked)) <= {sets.changed_by([fact]) for fact in "abcdefgh"} | {sets.all}


def test_most_rules_are_evaluated_all_at_once() -> None:
    sets = sets_of({"one": frozenset("ab"), "two": frozenset("bc"), "three": frozenset("c"), "four": frozenset("d")})
    place = ("family", "F-1")

    assert sets.grouped({place: sets.changed_by("d")}) == {frozenset({"four"}): [place]}
    assert sets.grouped({place: sets.changed_by("bc")}) == {sets.all: [place]}
