"""The facts for a data protection impact assessment (DPIA), the lawful bases, and the principals with their rights."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import msgspec

from streams.contracts.describe import describe
from streams.contracts.event import event_types, fact_name
from streams.erase.schedule import schedule
from streams.governance.tables import listed, markdown, seed
from streams.kafka.rights import Right, rights
from streams.kafka.topics import topic_configs
from streams.lake.maintain import SNAPSHOTS_KEPT
from streams.names import INPUT_TOPICS
from streams.settings import Settings
from streams.subject_access.policy import read_policy
from streams.tell.partners.policy import read_policy as read_sharing_policy

__all__ = ["data_protection", "kept", "lawful_bases", "principals_page"]

_MADE = "`./caf governance --write` generates this page from {sources}. Edit those and not this page."
_DAY_MS = 86_400_000


def data_protection(settings: Settings) -> str:
    """Return the page with the facts for a DPIA."""
    made = _MADE.format(sources="the contract, the topics' configuration, the rights, the policies and the seeds")
    return f"""# Facts for the data protection impact assessment

{made} The page states facts. The assessment of necessity, proportionality and risk is the council's own.
[security.md](../security.md) describes threats, [lawful-bases.md](lawful-bases.md) the lawful bases, and
[subject-access.md](../subject-access.md) how a request of access is answered. People see figures and alerts on the
pages, by audience: [pages.md](../pages.md#who-sees-what) has the table.

## What flows where, who may read it, and how long the broker keeps it

The last column is the retention that `./caf init` gives the topic. `./caf init` reports a broker that keeps records for
less long. The principal `engineer` stands for the people who run the system. It may read and write every topic, so the
table leaves it out.

{_topics(settings)}
## Where else it is kept, and for how long

{_stores()}
## How long the records of a family are kept

This is the retention schedule in force: `CAF_RETENTION`, or else the project's own. The system asks for the erasure of
what is due, and a person approves it ([erase](../erase.md#when-a-period-is-over)). A rejected record that names nobody
known counts as one of a family without a level, whose child was born when the record arrived.

{_periods(settings)}
## What is collected

Every field of every event. The third column gives the policy's reason for withholding the field from the person who
asks; *shown* means that the person sees it in records about nobody else.

{_fields()}
## What partners may be told

The sharing policy (`streams/tell/partners/policy.yaml`, version `{read_sharing_policy().version}`) permits these
notices. What it does not name is not shared ([sharing.md](../sharing.md)).

{_shared()}"""


def lawful_bases() -> str:
    """Return the page of lawful bases by flow."""
    rows = [
        [
            line["flow"],
            listed(line["topics"].split()),
            line["purpose"],
            line["lawful_basis"],
            line["special_data"],
            line["statute"],
        ]
        for line in seed("flows")
    ]
    headings = [
        "flow",
        "topics",
        "purpose",
        "lawful basis",
        "special category data and offences",
        "statute or guidance",
    ]
    return f"""# Lawful bases by flow

{_MADE.format(sources="`streams/governance/flows.csv`")} The table is a proposal. The council's data protection officer
must confirm it.

{markdown(headings, rows)}
Consent to receive early help is not a lawful basis for processing. It is an agreement that services ask for. Where the
sharing policy names `consent`, a notice is published only while the family agrees.
"""


def principals_page() -> str:
    """Return the page of all principals and their rights."""
    parts = [
        f"\n## {name}\n\n{markdown(['what', 'name', 'operations', 'why'], map(_right, found))}"
        for name, found in groupby(rights(), key=lambda right: right.principal)
    ]
    return f"""# Principals and their rights on the broker

{_MADE.format(sources="[rights.csv](../../streams/kafka/rights.csv)")} What is not listed is forbidden. A name that ends
with a dot or hyphen stands for all names that begin with it. [Decision
28](../decisions/0028-nobody-uses-the-broker-without-a-right.md) gives the reasons.
{"".join(parts)}"""


def _right(right: Right) -> list[str]:
    return [right.what, f"`{right.name}`", ", ".join(right.operations), right.why]


def kept(configs: Mapping[str, Any], settings: Settings) -> str:
    """Return in words how long a topic keeps its records. The watcher removes ended alerts from the compacted topic."""
    if configs.get("cleanup.policy") == "compact":
        return (
            f"the newest version of each open alert, not limited; of an ended alert, {settings.ended_alert_days:g} days"
        )
    milliseconds = int(configs["retention.ms"])
    days = f"{milliseconds / _DAY_MS:g}"
    return "not limited" if milliseconds < 0 else "1 day" if days == "1" else f"{days} days"


def _topics(settings: Settings) -> str:
    flow_of = {topic: line["flow"] for line in seed("flows") for topic in line["topics"].split()}
    rows = [
        [f"`{topic}`", flow_of[topic], _who(topic, "read"), _who(topic, "write"), kept(config["configs"], settings)]
        for topic, config in topic_configs(settings).items()
    ]
    return markdown(["topic", "flow", "may read", "may write", "kept by the broker"], rows)


def _who(topic: str, operation: str) -> str:
    found = (
        one.principal for one in rights() if one.what == "topic" and operation in one.operations and _fits(one, topic)
    )
    return listed(dict.fromkeys(found))


def _fits(right: Right, topic: str) -> bool:
    return right.name == topic or (right.name.endswith((".", "-")) and topic.startswith(right.name))


def _periods(settings: Settings) -> str:
    headings = ["highest level of need", "until the youngest person is", "and years after the last record", "source"]
    return markdown(
        headings,
        (
            [line.highest_level or "none", line.until_age, line.years_after_last, line.source]
            for line in schedule(settings).values()
        ),
    )


def _stores() -> str:
    hours = f"{SNAPSHOTS_KEPT.total_seconds() / 3600:g}"
    rows = [
        [line["store"], line["holds"], line["read_by"], line["kept"].format(snapshot_hours=hours)]
        for line in seed("stores")
    ]
    return markdown(["where", "what", "who can read it", "kept"], rows)


def _fields() -> str:
    parts = []
    for topic in INPUT_TOPICS:
        structs = event_types(topic).values()
        parts.append(f"### {topic}\n\n{markdown(['field', 'what it says', 'for the subject', 'in'], _rows(structs))}\n")
    return "".join(parts)


def _rows(structs: Iterable[type[msgspec.Struct]]) -> Iterable[list[str]]:
    policy, found = read_policy(), dict[str, tuple[str, list[str]]]()
    for struct in structs:
        for field in msgspec.structs.fields(struct):
            facts = found.setdefault(field.name, (describe(field).text, []))[1]
            facts.append(fact_name(struct.type))  # type: ignore[attr-defined]  # every struct is an event
    for name, (text, facts) in sorted(found.items()):
        verdict = policy.of_field("person", "events", name)
        shown = {"yes": "shown", "own": "own id only"}.get(verdict.shown, verdict.reason)
        yield [f"`{name}`", text, shown, ", ".join(facts)]


def _shared() -> str:
    rows = [
        [partner, listed(entry.rules), entry.verdict, entry.purpose, entry.basis, listed(entry.fields)]
        for partner, entries in read_sharing_policy().partners.items()
        for entry in entries
    ]
    return markdown(["kind of partner", "alerts of", "verdict", "purpose", "basis", "fields"], rows)
