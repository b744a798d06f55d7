"""The demo: it runs the whole system on one machine with a simulated borough, and gives a verdict at the end."""

from streams.demo.run import demo
from streams.demo.verdict import Verdict

__all__ = ["Verdict", "demo"]
