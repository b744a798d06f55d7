"""What every event type declares: its topic, its fact in the past tense, and the fields for its Kafka key."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import ClassVar, TypeVar, dataclass_transform

import msgspec

from streams import names

__all__ = ["Event", "EventType", "event", "event_types", "fact_name"]

_REGISTRY: dict[str, "type[Event]"] = {}


@dataclass_transform(frozen_default=True)  # msgspec makes every subclass frozen, which type checkers do not know
class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """
    Base class of every event's data.

    Events have no field in common. Code that reads `family_id`, for example, accepts only the classes that have this
    field, checks with `isinstance`, or is generic over the class (`EventType`).
    """

    topic: ClassVar[str]
    type: ClassVar[str]
    key_fields: ClassVar[tuple[str, ...]]
    needed: ClassVar[frozenset[str]]
    otherwise: ClassVar[Mapping[str, object]]

    @property
    def key(self) -> str | None:
        """The Kafka key: the family, or the person if the fact is about a single person."""
        for name in self.key_fields:
            value: str | None = getattr(self, name)
            if value:
                return value
        return None


EventType = TypeVar("EventType", bound=Event)


def event(
    topic: str,
    fact: str,
    *,
    key: tuple[str, ...] = ("family_id",),
    needed: tuple[str, ...] = (),
    otherwise: Mapping[str, object] = MappingProxyType({}),
) -> Callable[[type[EventType]], type[EventType]]:
    """
    Register a struct as the contract of `uk.caf.<topic>.<fact>.v1`.

    If a required field is missing or wrong, the event is rejected, unless `otherwise` has a value for the field. If
    another field is wrong, the field is left out.

    Args:
        key: the fields that give the Kafka key. The first field that is set counts.
        needed: optional fields that a rule needs to be safe. If one of them is wrong, the event is rejected.
        otherwise: for some fields, the safest value. It is used if the field is wrong, or is required and missing.
    """

    def register(struct: type[EventType]) -> type[EventType]:
        struct.topic = topic
        struct.type = f"uk.{topic.removesuffix('.v1')}.{fact}.v1"
        struct.key_fields = key
        struct.needed = frozenset({*key, *needed})
        struct.otherwise = otherwise
        if not {*struct.needed, *otherwise} <= set(struct.__struct_fields__):
            raise TypeError(f"{struct.type} says what to do with fields that it does not have")
        if struct.type in _REGISTRY:
            raise TypeError(f"{struct.type} has two contracts")
        _REGISTRY[struct.type] = struct
        return struct

    return register


def event_types(topic: str | None = None) -> "dict[str, type[Event]]":
    """Return the contracts of one or all topics, by event type. Importing `streams.contracts` registers them."""
    if topic is not None and topic not in names.INPUT_TOPICS:
        raise KeyError(f"{topic} is not an input topic")
    return {name: struct for name, struct in _REGISTRY.items() if topic in (None, struct.topic)}


def fact_name(type_: str) -> str:
    """Return the fact in an event type: `household-joined` for `uk.caf.case-change.household-joined.v1`."""
    return type_.split(".")[-2]
