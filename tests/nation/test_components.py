"""Families with any connection stay in one shard."""

from itertools import pairwise
from random import Random

import duckdb
import pytest

from streams.nation.components import cut_into_shards


def cut(
    edges: list[tuple[str, str]], keys: dict[str, tuple[str, int]], events: int
) -> tuple[dict[str, int], list[tuple]]:
    """Return the shard of each key, and the shard, authority and number of records of each connected group."""
    with duckdb.connect() as session:
        session.execute(
            "CREATE TABLE connected (record_key VARCHAR, other VARCHAR, authority_code VARCHAR, records BIGINT)"
        )
        session.executemany("INSERT INTO connected VALUES (?, ?, NULL, 0)", [("none", "nobody"), *edges])
        session.executemany(
            "INSERT INTO connected VALUES (?, NULL, ?, ?)", [(key, *said) for key, said in keys.items()]
        )
        places = dict(session.execute(cut_into_shards(session, events)).fetchall())
        return places, session.execute("SELECT shard, authority_code, records FROM shards").fetchall()


@pytest.mark.parametrize("seed", range(12))
def test_connected_keys_share_a_shard_and_each_key_has_one(seed):
    """Random connected groups of every shape are compared with a search that follows the edges one by one."""
    random = Random(seed)
    names = [f"F{n}" for n in range(60)]
    edges = [
        (random.choice(names), random.choice([*names, *(f"P{n}" for n in range(30))])) for _ in range(10 * seed % 61)
    ]
    keys = {name: (f"E0{random.randrange(3)}", random.randrange(1, 9)) for name in names}
    places, _ = cut(edges, keys, events=12)

    assert places.keys() >= keys.keys()
    for net in nets(names, edges):
        assert len({places[name] for name in net if name in places}) == 1


def nets(names: list[str], edges: list[tuple[str, str]]) -> list[set[str]]:
    found: dict[str, set[str]] = {name: {name} for name in (*names, *(end for edge in edges for end in edge))}
    for one, other in edges:
        both = found[one] | found[other]
        found |= dict.fromkeys(both, both)
    return list(found.values())


def test_long_chain_is_one_net():
    """A thousand families are connected in a chain. The order of their names differs from the order of the chain."""
    order = [f"F{(7919 * n) % 1009}" for n in range(1009)]
    edges = list(pairwise(order))
    places, shards = cut(edges, dict.fromkeys(order, ("E01", 1)), events=10)

    assert len({places[name] for name in order}) == 1
    assert max(records for _, _, records in shards) == 1009


def test_shard_has_families_of_one_authority_and_about_as_many_records_as_wanted():
    keys = {f"F{n}": (f"E0{n % 3}", 5) for n in range(300)}
    places, shards = cut([], keys, events=50)

    by_shard: dict[int, set[str]] = {}
    sizes: dict[int, int] = {}
    for shard, authority, records in shards:
        by_shard.setdefault(shard, set()).add(authority)
        sizes[shard] = sizes.get(shard, 0) + records
    assert all(len(authorities) == 1 for authorities in by_shard.values())
    assert max(sizes.values()) <= 55
    assert set(places.values()) - {None} == set(range(30))
