"""`./caf bench trust` compares a home with the same home without security, and erases a person. Speed is not tested."""

from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from streams.bench.open_broker import start_open
from streams.bench.servers import own_home
from streams.bench.trust import compared
from streams.kafka.topics import ensure_topics
from streams.settings import PROJECT, Settings

ADDRESSES = {"listeners", "advertised.listeners", "controller.quorum.bootstrap.servers"}


def properties(home: Path) -> dict[str, str]:
    lines = (home / "kafka" / "server.properties").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def is_about_security(name: str) -> bool:
    return "sasl" in name or name in {"listener.security.protocol.map", "authorizer.class.name", "super.users"}


def test_cost_compares_medians_and_gives_the_range_of_the_rounds() -> None:
    cost = compared("start", "s", [12.0, 10.0, 11.0], [10.0, 10.0, 8.0])

    assert (cost.secure_median, cost.open_median) == (11.0, 10.0)
    assert (cost.times, cost.lowest, cost.highest) == (1.1, 1.0, 1.375)
    assert cost.meets_aim


@pytest.mark.parametrize(("secure", "meets_aim"), [(95.0, True), (80.0, False)])
def test_a_speed_costs_more_the_slower_it_is_with_security(secure: float, meets_aim: bool) -> None:
    cost = compared("landing", "records/s", [secure], [100.0], is_speed=True)

    assert cost.times == round(100 / secure, 3)
    assert cost.meets_aim is meets_aim


def test_broker_of_the_comparison_lets_everybody_in_and_is_otherwise_that_of_a_home(
    settings: Settings, kafka: str
) -> None:
    with own_home(settings, print) as home:
        own = start_open(home, print)
        ensure_topics(own)
        with closing(KafkaAdminClient(bootstrap_servers=own.bootstrap)) as anybody:
            assert anybody.list_topics()
        compared_with = properties(home.home)
    of_a_home = properties(settings.home)

    assert not any(map(is_about_security, compared_with.keys() - {"listener.security.protocol.map"}))
    assert "SASL" not in compared_with["listener.security.protocol.map"]
    others = {name for name in of_a_home if not is_about_security(name)} - ADDRESSES
    assert {name: of_a_home[name] for name in others} == {name: compared_with[name] for name in others}
    assert compared_with.keys() <= of_a_home.keys()


def test_nothing_but_this_bench_starts_a_broker_with_other_security_than_that_of_a_home() -> None:
    modules = {path.relative_to(PROJECT) for path in (PROJECT / "streams").rglob("*.py")}

    assert [path for path in modules if "broker.launch(" in (PROJECT / path).read_text()] == [
        Path("streams/bench/open_broker.py")
    ]
