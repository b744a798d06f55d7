"""
Turns referrals, case changes and escalations on Kafka into alerts within a second, and into figures within seconds.

Subscribers need only `from streams import subscribe`. This package imports `subscribe` on first use.
"""

__all__ = ["subscribe"]


def __getattr__(name: str) -> object:
    if name == "subscribe":
        from streams.tell.subscribers.subscription import subscribe

        return subscribe
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
