"""Simulate boroughs that fit published figures, with planted stories that must or must not raise an alert."""

from streams.simulate.covered import state_coverage
from streams.simulate.live import live
from streams.simulate.noise import Noise
from streams.simulate.produce import backfill, replay_window, to_file
from streams.simulate.sender import Produced
from streams.simulate.truth import Claim, write_truth
from streams.simulate.world import World

__all__ = [
    "Claim",
    "Noise",
    "Produced",
    "World",
    "backfill",
    "live",
    "replay_window",
    "state_coverage",
    "to_file",
    "write_truth",
]
