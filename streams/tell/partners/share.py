"""
Share alerts with partners. For each alert, publish the decisions first and then the notices.

Each version of an alert is shared at least once. After a crash, the decisions and notices about a version may be
published again, with the same ids. Alerts from before the very first start are never shared, because a person may
already have told the partner.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from kafka import KafkaProducer

from streams import names
from streams.alerts.publisher import alert_of
from streams.contracts.output_envelope import encode_output
from streams.contracts.outputs import PARTNER_NOTICE_TYPE, SHARING_DECISION_TYPE, Alert, PartnerNotice, SharingDecision
from streams.kafka.client import producer
from streams.kafka.sending import TIMEOUT_SECONDS, confirm
from streams.kafka.topics import ensure_topics
from streams.lake.sign import sign_of_life
from streams.rules.compiled import compiled_rules
from streams.rules.engine import Engine
from streams.settings import Settings
from streams.tell.cursor import Cursor
from streams.tell.partners.consents import Consents
from streams.tell.partners.policy import Policy, decision_of, notice_of
from streams.times import stops_after

__all__ = ["Shared", "share"]

log = structlog.get_logger()

SOURCE = "/caf/share"
"""The CloudEvents source of decisions and notices."""


@dataclass
class Shared:
    """How many versions of alerts this process has read, and how many decisions and notices it has published."""

    alerts: int = 0
    decisions: int = 0
    notices: int = 0


def share(
    settings: Settings,
    policy: Policy,
    *,
    until: Callable[[], bool] = lambda: False,
    for_seconds: float | None = None,
    once: bool = False,
    patience_seconds: float = 10,
) -> Shared:
    """
    Share versions of alerts with partners as they arrive.

    Args:
        once: stop when all versions that were on the topic at the start have been handled.
        patience_seconds: how long to wait for the records that say whether the family agrees. If the lake does not have
            them by then, a person must decide.

    Raises:
        BrokerUnavailable: no broker answers at the start.
        PlaceLost: Kafka has forgotten which alerts were shared.
        RulesInvalid: dbt cannot compile the models.
    """
    is_over = stops_after(for_seconds, until)
    with ExitStack() as stack:
        sign = stack.enter_context(sign_of_life(settings, "share"))
        ensure_topics(settings, (names.ALERTS, names.SHARING_DECISION, *names.PARTNER_TOPICS.values()))
        settings = settings.acting_as("share")
        engine = stack.enter_context(closing(Engine(compiled_rules(settings))))
        sharer = stack.enter_context(closing(_Sharer(settings, policy, Consents(settings, engine, patience_seconds))))
        cursor = Cursor(settings, names.ALERTS, names.SHARE_GROUP, writes=names.SHARING_DECISION)
        stack.callback(cursor.close)
        ends = cursor.ends()
        while not is_over() and not (once and cursor.is_past(ends)):
            for record in cursor.read():
                sign.turn()
                if (alert := alert_of(record.value)) is not None:
                    sharer.tell(alert)
            cursor.done()
            sign.turn()
        return sharer.shared


class _Sharer:
    def __init__(self, settings: Settings, policy: Policy, consents: Consents) -> None:
        self._policy = policy
        self._consents = consents
        self._producer: KafkaProducer = producer(settings, linger_ms=0)
        self.shared = Shared()

    def close(self) -> None:
        self._producer.close(timeout=TIMEOUT_SECONDS)

    def tell(self, alert: Alert) -> None:
        self.shared.alerts += 1
        entries = self._policy.entries(alert)
        asked = any(entry.needs_consent for entry in entries.values())
        consent = self._consents.in_force(alert.family_id) if asked else None
        now = datetime.now(UTC)
        decided = {
            name: decision_of(alert, name, entry, policy_version=self._policy.version, consent=consent, now=now)
            for name, entry in entries.items()
        }
        notices = [(name, notice_of(one, entries[name], alert)) for name, one in decided.items()]
        # The broker must have stored the decisions before any partner is told.
        self._send((names.SHARING_DECISION, SHARING_DECISION_TYPE, one) for one in decided.values())
        told = [(names.PARTNER_TOPICS[name], PARTNER_NOTICE_TYPE, one) for name, one in notices if one is not None]
        self._send(told)
        self.shared.decisions += len(decided)
        self.shared.notices += len(told)
        for one in decided.values():
            log.info("sharing_decided", partner=one.partner, rule=one.rule, verdict=str(one.verdict))

    def _send(self, outputs: Iterable[tuple[str, str, SharingDecision | PartnerNotice]]) -> None:
        sent = []
        for topic, type_, data in outputs:
            identity = f"{data.alert_id}/{data.version}/{data.partner}"
            value = encode_output(type_, source=SOURCE, identity=identity, time=datetime.now(UTC), data=data)
            sent.append(self._producer.send(topic, key=data.alert_id.encode(), value=value))
        confirm(self._producer, sent)
