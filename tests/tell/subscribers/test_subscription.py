"""The subscriber library: which alerts a subscriber gets when it first subscribes, and when it comes back."""

import subprocess
import sys
import threading

import pytest
from kafka.errors import CoordinatorNotAvailableError

from streams import names, subscribe
from streams.errors import SettingInvalid
from streams.kafka import client as kafka_client
from streams.kafka.client import admin
from streams.kafka.login import secret_file
from streams.settings import PROJECT
from tests.kafka.test_topics import STAMPED, make


def said(alert):
    return alert.alert_id, alert.version


def first(count, *args, **options):
    """Return the first alerts for which a subscription's loop body finished, or fewer if no more arrive."""
    found, asked = [], iter(range(60))
    for alert in subscribe(*args, until=lambda: len(found) == count or next(asked, None) is None, **options):
        found.append(said(alert))  # noqa: PERF401  (`until` looks at the list while it grows)
    return found


def places(settings, group):
    """Count the partitions in which the group has an offset."""
    client = admin(settings)
    try:
        return len(client.list_group_offsets(group)[group])
    except CoordinatorNotAvailableError:
        # The broker's own topic of consumer groups was deleted with the others, and is being recreated.
        return 0
    finally:
        client.close()


def nothing_more(settings, **options):
    """Return the alerts that arrive before the subscriber has polled six times without a result."""
    asked = iter(range(6))
    return [said(alert) for alert in subscribe(settings, until=lambda: next(asked, None) is None, **options)]


def test_subscription_resumes_where_it_stopped(settings, publish, an_alert, group):
    """The same group resumes, even if only the bootstrap servers are given. Another group gets all alerts."""
    publish(*(an_alert(number) for number in range(1, 6)))
    begun = first(2, settings, group=group, start="oldest")
    resumed = first(3, settings.bootstrap, login=str(secret_file(settings.home, "subscriber")), group=group)

    assert len({*begun, *resumed}) == 5
    assert nothing_more(settings, group=group) == []
    assert sorted(first(5, settings, group=f"{group}-other", start="oldest")) == sorted(begun + resumed)


def test_an_alert_whose_body_did_not_finish_comes_again(settings, publish, an_alert, group):
    publish(an_alert(1))
    assert next(subscribe(settings, group=group, start="oldest")).alert_id == "a-1"

    assert first(1, settings, group=group) == [("a-1", 1)]


def test_repeats_are_dropped_and_known_again_after_a_restart(settings, publish, an_alert, group):
    publish(an_alert(1), an_alert(1), an_alert(1, 2), an_alert(1))
    begun = first(2, settings, group=group, start="oldest")
    publish(an_alert(1), an_alert(1, 2), an_alert(1, 3))

    assert begun == [("a-1", 1), ("a-1", 2)]
    assert first(1, settings, group=group) == [("a-1", 3)]


def test_a_new_group_begins_with_what_comes_next(settings, publish, an_alert, group):
    publish(an_alert(1))
    assert list(subscribe(settings, group=group, until=lambda: places(settings, group) == 6)) == []

    publish(an_alert(2))
    assert first(1, settings, group=group) == [("a-2", 1)]


def test_subscriber_gets_all_later_versions_of_an_alert(settings, publish, an_alert, group):
    """
    A subscriber gets later versions of its alerts even if they no longer match the filter, and after a restart.

    If a subscriber never got an alert, it does not get the version that closes the alert.
    """
    publish(an_alert(1), an_alert(2, severity="amber"))
    assert first(1, settings, group=group, severity="red", start="oldest") == [("a-1", 1)]

    publish(an_alert(1, 2, severity="amber"), an_alert(2, 2, severity="amber", status="closed"))
    publish(an_alert(1, 3, severity="amber", status="cleared"), an_alert(3))
    followed = first(3, settings, group=group, severity="red")

    assert sorted(followed) == [("a-1", 2), ("a-1", 3), ("a-3", 1)]
    options = {"severity": "red", "standing": True, "start": "oldest"}
    assert sorted(first(2, settings, group=f"{group}-standing", **options)) == [("a-1", 1), ("a-3", 1)]


def test_filters_choose(settings, publish, an_alert, group):
    publish(
        an_alert(1, rule="re_referral"),
        an_alert(2, area=None),
        an_alert(3, recipients=[]),
        an_alert(4, backfill=True),
        an_alert(5, test=True),
    )

    def given(count, **options):
        name = "-".join(f"{word}-{value}".replace(":", "-") for word, value in options.items())
        found = first(count, settings, group=f"{group}-{name}", start="oldest", **options)
        return {int(alert[2:]) for alert, _ in found}

    assert given(3) == {1, 2, 3}
    assert given(1, rule="re_referral") == {1}
    assert given(1, area="unknown") == {2}
    assert given(4, recipient="duty", backfill=True, test=True) == {1, 2, 4, 5}
    assert given(2, recipient=["duty:birkenhead", "edt"]) == {1, 2}
    assert nothing_more(settings, group=group, start="oldest", recipient="duty:wallasey") == []


def test_two_members_of_a_group_share_and_lose_nothing(settings, publish, an_alert, group):
    """One of the two members leaves and returns in the meantime."""
    given, ended = [], threading.Event()

    def member(until):
        for alert in subscribe(settings, group=group, start="oldest", until=until):
            given.append(said(alert))  # noqa: PERF401  (the test looks at the list while it grows)

    steady = threading.Thread(target=member, args=(ended.is_set,))
    steady.start()
    publish(*(an_alert(number) for number in range(100)))
    asked = iter(range(4))
    member(lambda: next(asked, None) is None)
    publish(*(an_alert(number) for number in range(100, 200)))
    while len(set(given)) < 200 and steady.is_alive():
        steady.join(0.1)
    ended.set()
    steady.join()

    assert {alert for alert, _ in given} == {f"a-{number}" for number in range(200)}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"severity": "purple"}, "severity 'purple' is unknown; allowed: amber, green, red"),
        ({"rule": ["adult_return"]}, "'adult_return' is unknown; allowed: adult_returns"),
        ({"area": "liverpool"}, "area 'liverpool' is unknown; allowed: birkenhead"),
        ({"recipient": "police:1"}, "recipient's role 'police' is unknown; allowed: area_team"),
    ],
)
def test_a_filter_that_no_alert_can_match_is_refused(settings, options, says):
    """The filter is refused when the subscription starts, and not only when the first alert is read."""
    with pytest.raises(SettingInvalid, match=says):
        subscribe(settings, group="desk", **options)


def test_importing_the_package_imports_no_client():
    code = "import sys, streams; sys.exit('kafka' in sys.modules or 'msgspec' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0


def test_alerts_of_a_recreated_topic_are_read_from_its_beginning(settings, publish, an_alert, group, monkeypatch):
    """The topic is recreated while the subscriber runs. The subscriber's offset in the former topic is ignored."""
    monkeypatch.setattr(kafka_client, "_METADATA_MS", 500)
    publish(*(an_alert(number) for number in range(1, 6)))
    found, asked, made = [], iter(range(120)), []

    def until() -> bool:
        if len(found) == 5 and not made:
            made.append(names.ALERTS)
            make(settings, names.ALERTS, settings.partitions, **STAMPED)
            publish(*(an_alert(number) for number in range(6, 9)))
        return len(found) == 8 or next(asked, None) is None

    for alert in subscribe(settings, group=group, start="oldest", until=until):
        found.append(said(alert))  # noqa: PERF401  (`until` looks at the list while it grows)

    assert sorted(found) == [(f"a-{number}", 1) for number in range(1, 9)]
