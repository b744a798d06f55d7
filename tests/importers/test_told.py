"""
Which facts count after several returns: those of each year's last submission, and of the latest year with the
fact.
"""

import random
from datetime import UTC, date, datetime
from types import SimpleNamespace

import duckdb
import pytest

from streams.contracts import Accepted, decode
from streams.contracts.columns import events_table
from streams.importers.already_told import Told
from streams.importers.cin_xml import read_cin_xml
from streams.settings import PROJECT, Settings

NOW = datetime(2026, 11, 20, tzinfo=UTC)

IN_FORCE = """
SELECT topic, record_key, root_id, fact, fact_at, if(change = 'recorded', payload -> '$.data',
    payload -> '$.data.replacement')
FROM (
    FROM landing.main.events QUALIFY row_number() OVER (
        PARTITION BY topic, record_key, root_source, root_id
        ORDER BY change = 'recorded', CASE WHEN change <> 'recorded' THEN event_at END DESC,
            CASE WHEN change <> 'recorded' THEN event_id END DESC, received_at, topic, kafka_partition, kafka_offset
    ) = 1
)
WHERE change <> 'withdrawn' ORDER BY ALL
"""
"""SQL for the events in force, with the same rules as `stg_events`."""


class Lake:
    """Landing tables in memory into which census files are imported."""

    def __init__(self, home):
        self.session = duckdb.connect()
        self.session.execute("ATTACH ':memory:' AS landing")
        self.session.execute((PROJECT / "streams/lake/landing.sql").read_text())
        self.home, self.offset = home, 0

    def told(self, text, *, drop=None):
        """Compare a file with the lake. Tables from an earlier comparison are dropped first."""
        for table in ("told", "said", "unread", "difference"):
            self.session.execute(f"DROP TABLE IF EXISTS temp.{table}")
        file = self.home / "census.xml"
        file.write_text(text)
        told = Told(self.session)
        self.done = read_cin_xml(Settings(home=self.home), file, told.add, today=date(2026, 11, 20))
        self.counts = told.compare()
        return told

    def imported(self, text, *, is_resubmission=False, most=None, chance=None):
        """
        Import a file; returns the number of events sent.

        With `most`, the import stops after so many events. With `chance`, the events land in random order, and some
        land twice.
        """
        events = list(self.told(text).events(is_resubmission=is_resubmission))[:most]
        if chance:
            chance.shuffle(events)
            events += events[::3]
        self.land(events)
        return len(events)

    def land(self, messages):
        accepted = []
        for message in messages:
            self.offset += 1
            record = SimpleNamespace(
                topic=message.topic, partition=0, offset=self.offset, timestamp=int(NOW.timestamp() * 1000),
                key=message.key, value=message.value, headers=(),
            )  # fmt: skip
            accepted.append(decode(record))
        assert all(isinstance(one, Accepted) for one in accepted)
        rows = events_table(accepted, NOW)  # noqa: F841  (read by name in the statement)
        self.session.execute("INSERT INTO landing.main.events BY NAME SELECT * FROM rows")

    def in_force(self):
        return self.session.execute(IN_FORCE).fetchall()


@pytest.fixture
def new_lake(tmp_path):
    made = []

    def make():
        made.append(Lake(tmp_path))
        return made[-1]

    yield make
    for lake in made:
        lake.session.close()


def referrals(lake):
    return sorted((row[1][-6:], f"{row[4]:%Y-%m-%d}") for row in lake.in_force() if row[3] == "referral-submitted")


def test_corrected_date_leaves_one_referral_and_one_case(new_lake, write):
    """
    All events of the wrong day are withdrawn, such as the referral and the case. The corrected events are in
    force.
    """
    lake = new_lake()
    lake.imported(write.census(write.child()))
    lake.imported(write.census(write.child(write.episode(referred="2023-10-07"))), is_resubmission=True)

    assert [day for _, day in referrals(lake)] == ["2023-10-07"]
    facts = [row[3] for row in lake.in_force()]
    assert sorted(facts) == sorted(set(facts))


def test_resubmission_imported_twice_adds_nothing(new_lake, write):
    lake = new_lake()
    lake.imported(write.census(write.child()))
    second = write.census(write.child(write.episode(referred="2023-10-07")))

    assert lake.imported(second, is_resubmission=True) > 0
    assert lake.imported(second, is_resubmission=True) == 0


def test_child_that_a_resubmission_drops_is_withdrawn_whole(new_lake, write):
    lake = new_lake()
    lake.imported(write.census(write.child(local_id="A"), write.child(local_id="B")))
    alone = new_lake()
    alone.imported(write.census(write.child(local_id="A")))
    lake.imported(write.census(write.child(local_id="A")), is_resubmission=True)

    assert lake.in_force() == alone.in_force()


def test_first_file_as_resubmission_again_undoes_one(new_lake, write):
    lake = new_lake()
    first = write.census(write.child(local_id="A"), write.child(local_id="B"))
    lake.imported(first)
    before = lake.in_force()
    lake.imported(write.census(write.child(write.episode(referred="2023-05-01"), local_id="A")), is_resubmission=True)
    lake.imported(first, is_resubmission=True)

    assert lake.in_force() == before


def test_import_that_was_cut_short_is_completed(new_lake, write):
    """
    An import that stopped after any event is completed by the same import. This holds for first returns and
    resubmissions.
    """
    first = write.census(write.child(local_id="A"), write.child(local_id="B"))
    second = write.census(write.child(write.episode(referred="2023-05-01"), local_id="A"))
    whole = new_lake()
    whole.imported(first)
    whole.imported(second, is_resubmission=True)
    for most in range(0, 14, 3):
        lake = new_lake()
        for text, is_resubmission in ((first, False), (second, True)):
            lake.imported(text, is_resubmission=is_resubmission, most=most)
            lake.imported(text, is_resubmission=is_resubmission)
        assert lake.in_force() == whole.in_force()


@pytest.mark.parametrize(("year", "lea"), [(2025, "344"), (2024, "876")])
def test_resubmission_withdraws_nothing_of_another_year_or_authority(new_lake, write, year, lea):
    lake = new_lake()
    lake.imported(write.census(write.child(write.episode(referred="2022-05-01")), year=year, lea=lea))
    before = lake.in_force()
    lake.imported(write.census(write.child(local_id="Z")), is_resubmission=True)

    assert set(before) < set(lake.in_force())


def test_rejected_child_is_left_as_it_was_told(new_lake, write):
    """If a child's record in a resubmission is unreadable, the child's facts stay in force."""
    lake = new_lake()
    lake.imported(write.census(write.child(local_id="A"), write.child(local_id="B")))
    before = lake.in_force()
    bad = write.child(write.episode(referred="2023"), local_id="B")
    lake.imported(write.census(write.child(local_id="A"), bad), is_resubmission=True)

    assert lake.in_force() == before


def test_child_without_an_id_may_be_any_child_so_none_is_taken_away(new_lake, write):
    lake = new_lake()
    lake.imported(write.census(write.child(local_id="A"), write.child(local_id="B")))
    before = lake.in_force()
    lake.imported(write.census(write.child(local_id="A"), write.child(local_id="")), is_resubmission=True)

    assert lake.in_force() == before


def test_mended_rejects_never_take_other_children_away(new_lake, write):
    """
    The file of rejects is marked as a part of its year. Imported as a resubmission, it therefore withdraws no other
    child.
    """
    lake = new_lake()
    bad = write.child(local_id="B").replace("CINreferralDate>2023", "CINreferralDate>23")
    lake.imported(write.census(write.child(local_id="A"), bad))
    mended = lake.done.rejects.read_text().replace("CINreferralDate>23", "CINreferralDate>2023")
    whole = new_lake()
    whole.imported(write.census(write.child(local_id="A"), write.child(local_id="B")))
    lake.imported(mended, is_resubmission=True)

    assert lake.in_force() == whole.in_force()


def test_second_return_that_is_not_said_to_be_one_is_recognised(new_lake, write):
    """
    A file that contradicts its year's return needs `--resubmission`. The same file, or a file with more children, does
    not.
    """
    lake = new_lake()
    first = write.census(write.child(local_id="A"))
    lake.imported(first)
    more = write.census(write.child(local_id="A"), write.child(local_id="B"))
    otherwise = write.census(write.child(write.episode(source="2A"), local_id="A"))
    moved = write.census(write.child(write.episode(referred="2023-10-07"), local_id="A"))

    assert [lake.told(text).is_contradicted() for text in (first, more, otherwise, moved)] == [
        False, False, True, True,
    ]  # fmt: skip
    lake.imported(moved, is_resubmission=True)
    assert lake.told(first).is_contradicted()
    assert not lake.told(moved).is_contradicted()


def test_resubmission_in_the_form_of_earlier_releases_is_outranked(new_lake, write):
    """
    Earlier releases put the time of extraction into ids of amendments. Such ids sort before the present ids, which
    contain a number.
    """
    lake = new_lake()
    lake.imported(write.census(write.child()))
    old = list(lake.told(write.census(write.child(write.episode(source="2A")))).events(is_resubmission=True))
    lake.land([_renamed(one) for one in old])
    lake.imported(write.census(write.child()), is_resubmission=True)

    assert [row[5] for row in lake.in_force() if row[3] == "referral-submitted" and '"source_code":"6"' in row[5]]


def _renamed(message):
    return type(message)(
        message.topic, message.key, message.value.replace(b"/r000001", b"/2024-06-01T09:00:00"), message.type
    )


@pytest.mark.parametrize("seed", range(12))
def test_any_sequence_of_returns_ends_as_the_last_submission_of_each_year(new_lake, write, seed):
    """
    Years are imported in any order and resubmitted. Events land in random order or twice, and some imports are cut
    short.
    """
    chance = random.Random(seed)
    lake, last = new_lake(), {}
    for _ in range(chance.randint(2, 8)):
        year = chance.choice([2022, 2023, 2024])
        text = write.census(*_children(write, year, chance), year=year)
        is_resubmission = year in last
        if chance.random() < 0.3:
            lake.imported(text, is_resubmission=is_resubmission, most=chance.randint(0, 10))
        lake.imported(text, is_resubmission=is_resubmission, chance=chance)
        last[year] = text
    expected = new_lake()
    for text in last.values():
        expected.imported(text)

    assert lake.in_force() == expected.in_force()


def _children(write, year, chance):
    for local_id in chance.sample("ABCD", chance.randint(1, 4)):
        days = [
            f"{chance.choice([2020, 2021, year - 1])}-0{chance.choice([4, 5])}-01" for _ in range(chance.randint(1, 3))
        ]
        episodes = [
            write.episode(referred=day, source=chance.choice("678"), nfa=chance.choice("01"))
            for day in dict.fromkeys(days)
        ]
        yield write.child(*episodes, local_id=local_id)
