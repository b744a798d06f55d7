"""The AsyncAPI 3.0 document: topics, which programs write and read them, and their messages, keys and schemas."""

from typing import Any

import msgspec
import yaml

from streams import names
from streams.contracts.describe import first_sentence
from streams.contracts.envelope import Correction, Withdrawal
from streams.contracts.event import event_types
from streams.contracts.generate.json_schema import OUTPUTS, amendment_type

__all__ = ["asyncapi"]

_ABOUT = """\
Referrals, case changes and escalations of children's services, and the alerts that follow from them.

Every message is a CloudEvents 1.0 event in structured JSON.
Senders may also use binary mode (attributes in `ce_` headers, data in the value) or a batch
(`application/cloudevents-batch+json`). `null` stands for an optional field that is not given.
Delivery is at least once: drop repeats of `(source, id)`, and of `(alert_id, version)` for alerts.
`versioning.md` says what may change inside v1, and when v2 comes."""

_TOPICS = {
    names.REFERRAL: "Contacts, referrals, decisions, feedback, information shared.",
    names.CASE_CHANGE: "Everything that changes about a family, its people and the services around it.",
    names.ESCALATION: "Escalations that partners report; what people did with alerts.",
    names.ALERTS: "Every version of every alert.",
    names.ALERTS_CURRENT: "The latest version of each open alert, compacted by its id.",
    names.FEEDBACK: "Feedback to each referrer, as soon as the front door has decided.",
    **{
        topic: f"Notices about alerts to partners of the kind {kind}, as the sharing policy permits."
        for kind, topic in names.PARTNER_TOPICS.items()
    },
    names.SHARING_DECISION: "What was shared with whom, or not, and why; for information governance.",
    names.DEAD_LETTER: "Records that no contract accepts, with their original bytes; for engineers only.",
    names.HEARTBEAT: "The watcher's heartbeat, which says how far it has evaluated.",
    names.AUDIT: "Who saw or did what, by ids; for information governance only.",
}
_KEYS = {
    names.ALERTS: "The alert's `family_id`, or its `entity_id` if it is about no family.",
    names.ALERTS_CURRENT: "`alert_id`",
    names.FEEDBACK: "`referral_id`",
    **dict.fromkeys(names.PARTNER_TOPICS.values(), "`alert_id`"),
    names.SHARING_DECISION: "`alert_id`",
    names.DEAD_LETTER: "The key of the rejected record, if it had one.",
    names.HEARTBEAT: "The same key for every heartbeat.",
    names.AUDIT: "None: the topic has one partition.",
}


def asyncapi(preamble: str) -> str:
    """Return the AsyncAPI document as YAML. `preamble` is its first comment."""
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "caf", "version": "1.0.0", "description": _ABOUT},
        "defaultContentType": "application/cloudevents+json",
        "servers": {"broker": _SERVER},
        "channels": {_id(topic): _channel(topic, about) for topic, about in _TOPICS.items()},
        "operations": {
            f"{'receive' if topic in names.INPUT_TOPICS else 'send'}-{_id(topic)}": _operation(topic)
            for topic in _TOPICS
        },
        "components": {"messages": _messages()},
    }
    return f"# {preamble}\n" + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)


_SERVER = {
    "host": "{bootstrap}",
    "protocol": "kafka",
    "description": "The broker that `CAF_KAFKA` names.",
    "variables": {"bootstrap": {"default": "kafka.example:9092", "description": "Host and port."}},
}


def _id(topic: str) -> str:
    return topic.replace(".", "-")


def _types(topic: str) -> list[str]:
    """Return the types of the messages on a topic."""
    if topic in names.INPUT_TOPICS:
        return [*event_types(topic), amendment_type(topic, "corrected"), amendment_type(topic, "withdrawn")]
    same = {names.ALERTS_CURRENT: names.ALERTS} | dict.fromkeys(
        names.PARTNER_TOPICS.values(), names.PARTNER_TOPICS["school"]
    )
    written_to = same.get(topic, topic)
    return [type_ for type_, (output_topic, _) in OUTPUTS.items() if output_topic == written_to]


def _channel(topic: str, about: str) -> dict[str, Any]:
    return {
        "address": topic,
        "description": about,
        "messages": {_id(type_): {"$ref": f"#/components/messages/{_id(type_)}"} for type_ in _types(topic)},
        "bindings": {"kafka": {"topic": topic, "bindingVersion": "0.5.0"}},
    }


def _operation(topic: str) -> dict[str, Any]:
    """Return the system's operation on a topic: the system receives input topics and sends all others."""
    action = "receive" if topic in names.INPUT_TOPICS else "send"
    return {"action": action, "channel": {"$ref": f"#/channels/{_id(topic)}"}, "summary": _TOPICS[topic]}


def _messages() -> dict[str, dict[str, Any]]:
    messages = {}
    for struct in event_types().values():
        key = " or ".join(f"`{name}`" for name in struct.key_fields)
        messages[_id(struct.type)] = _message(struct.type, struct, f"{key} of the data")
    for topic in names.INPUT_TOPICS:
        for change, amendment in (("corrected", Correction), ("withdrawn", Withdrawal)):
            type_ = amendment_type(topic, change)
            messages[_id(type_)] = _message(type_, amendment, "The key of the amended event.")
    for type_, (topic, output) in OUTPUTS.items():
        messages[_id(type_)] = _message(type_, output, _KEYS[topic])
    return messages


def _message(type_: str, struct: type[msgspec.Struct], key: str) -> dict[str, Any]:
    return {
        "name": type_,
        "title": struct.__name__,
        "summary": first_sentence(struct),
        "contentType": "application/cloudevents+json",
        "payload": {"$ref": f"./schemas/{type_}.json"},
        "bindings": {"kafka": {"key": {"type": "string", "description": key}, "bindingVersion": "0.5.0"}},
    }
