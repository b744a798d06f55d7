"""Compressed values come back byte by byte."""

import json

from hypothesis import given
from hypothesis import strategies as st

from streams.contracts import event_types
from streams.contracts.generate.examples import event_example
from streams.watch.squeeze import squeeze, unsqueeze


@given(st.binary(max_size=5_000))
def test_any_value_comes_back_as_it_was(value: bytes) -> None:
    """Also what is no JSON at all."""
    assert unsqueeze(squeeze(value)) == value


def test_events_of_every_type_take_half_the_room_or_less() -> None:
    """A million events of history fit beside the rules."""
    values = [json.dumps(event_example(struct)).encode() for struct in event_types().values()]

    assert 2 * sum(len(squeeze(value)) for value in values) < sum(map(len, values))
