"""
The queries of `verify`: which offsets have rows in the lake, how many each has, and where rows are missing.

All queries but `LOST` have the parameter `topic_ids`, a list of Kafka's ids of the topics that exist now.
"""

from streams.contracts import Reason
from streams.lake.offsets import OFFSET_TABLES

__all__ = ["DOUBLES", "GAPS", "LOST", "SUMS"]

_RANGE = "try_cast(nullif(regexp_extract({}, '; offsets ([0-9]+) to [0-9]+$', 1), '') AS BIGINT)"
_STANDS_FROM = f"coalesce({_RANGE.format('allowed')}, kafka_offset)"
"""
An SQL expression that returns the first offset for which a row of the quarantine stands.

This is the row's own offset, unless the row stands for a range of lost offsets.
"""
_PASSED_ON = "inbound_record IS NOT NULL"
_STANDS_FROM_OWN = f"CASE WHEN {_PASSED_ON} THEN kafka_offset ELSE {_STANDS_FROM} END"
"""If `intake` has passed on a record that stands for a range, the range is one of the inbound topic."""
_INBOUND = f"""
    SELECT * REPLACE (coalesce(stands_from, kafka_offset) AS stands_from) FROM (
        SELECT split_part(inbound_record, '/', 1) AS topic,
               try_cast(split_part(inbound_record, '/', 2) AS INTEGER) AS kafka_partition,
               try_cast(split_part(inbound_record, '/', 3) AS BIGINT) AS kafka_offset,
               {_RANGE.format("allowed")} AS stands_from
        FROM (
            SELECT inbound_record, NULL AS allowed FROM landing.main.events WHERE {_PASSED_ON}
            UNION ALL SELECT inbound_record, allowed FROM landing.main.quarantine WHERE {_PASSED_ON}
            UNION ALL SELECT inbound_record, NULL FROM landing.main.erased WHERE {_PASSED_ON}
        )
        WHERE list_contains($topic_ids, split_part(inbound_record, '/', 4))
    )
"""
"""
The records of inbound topics, found by the marks of the records that `intake` has made of them.

Only topics that exist now count. The records of a topic that was deleted cannot be compared with anything.
"""
_ROWS = " UNION ALL ".join(
    [
        *(
            f"SELECT topic, kafka_partition, kafka_offset, "
            f"{_STANDS_FROM_OWN if table == 'quarantine' else 'kafka_offset'} AS stands_from FROM landing.main.{table}"
            for table in OFFSET_TABLES
        ),
        _INBOUND,
    ]
)
_COUNTED = f"""
    SELECT topic, kafka_partition, kafka_offset AS first, min(stands_from) AS stands_from, count(*) AS rows,
           lead(min(stands_from)) OVER (PARTITION BY topic, kafka_partition ORDER BY kafka_offset) AS following
    FROM ({_ROWS}) GROUP BY topic, kafka_partition, kafka_offset
"""
LOST = f"""
    SELECT coalesce(sum(own + 1 - coalesce({_RANGE.format("allowed")}, own)), 0)::BIGINT
    FROM (
        SELECT allowed, coalesce(try_cast(split_part(inbound_record, '/', 3) AS BIGINT), kafka_offset) AS own
        FROM landing.main.quarantine WHERE reason = '{Reason.DELETED_UNREAD}'
    )
"""
SUMS = f"""
    SELECT topic, kafka_partition, min(stands_from), max(first) + 1, sum(rows) FROM ({_COUNTED}) GROUP BY ALL
"""
DOUBLES = f"SELECT topic, kafka_partition, first, first + 1 FROM ({_COUNTED}) WHERE rows > 1 ORDER BY ALL"
GAPS = f"""
    WITH noted AS (
        SELECT topic, kafka_partition, first_offset, max(next_offset) AS next_offset
        FROM landing.main.unused_offsets GROUP BY ALL
    )
    SELECT gap.topic, gap.kafka_partition, greatest(first + 1, coalesce(next_offset, 0)) AS unknown_from, following,
           first + 1
    FROM ({_COUNTED}) AS gap
    LEFT JOIN noted
        ON (noted.topic, noted.kafka_partition, noted.first_offset) = (gap.topic, gap.kafka_partition, gap.first + 1)
    WHERE following > first + 1 AND unknown_from < following
    ORDER BY ALL
"""
"""
Where offsets have no row: from which offset this is not explained, up to which one, and after which row it begins.

What `note_unused` has stored is explained.
"""
