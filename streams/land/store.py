"""Store rows in the landing tables as their only writer, and keep the next offset of each partition."""

from collections.abc import Mapping
from datetime import datetime

import duckdb
import pyarrow as pa
import structlog

from streams.errors import LakeConflict, LakeUnavailable
from streams.kafka.generations import recreated
from streams.lake.connect import connect
from streams.lake.content_ids import bring_up_to_date
from streams.lake.generations import landed_generations
from streams.lake.maintain import compact
from streams.lake.offsets import OFFSET_TABLES, next_offsets
from streams.lake.one_row import one_row
from streams.lake.renewal import Renewal
from streams.lake.transaction import transaction
from streams.settings import Settings
from streams.times import aware

__all__ = ["LandingStore", "Offsets"]

log = structlog.get_logger()

Offsets = Mapping[tuple[str, int], int]
"""The next offset of each partition, by topic and partition number."""

_ATTEMPTS = 20
_OVERTAKEN = "ducklake_snapshot_pkey"
"""If another commit was quicker and took the same snapshot number, the catalog's error message contains this text."""


class LandingStore:
    """
    The landing catalog, attached for writing.

    DuckLake accepts concurrent inserts. If two commits collide, DuckLake would retry the second one on the newer
    snapshot. This store switches DuckLake's retries off. So a commit succeeds only if the snapshot before it is the one
    whose offsets the store has checked.
    """

    def __init__(self, settings: Settings) -> None:
        self._lake = connect(settings, landing="read_write", marts=None)
        self._renewal = Renewal(settings, self._lake)
        bring_up_to_date(self._lake)
        self._lake.execute("SET ducklake_max_retry_count = 0")
        # With one thread, each commit writes one file per table, and the other CPU cores are left to the watcher.
        self._lake.execute("SET threads = 1")
        self._snapshot = self._current_snapshot()
        self.next = next_offsets(self._lake)
        """The next offset of each partition that has rows."""
        self.generations = landed_generations(self._lake)
        """The known generations of the topics. A commit succeeds only while no topic was recreated."""

    def last_landed_at(self) -> datetime | None:
        """Return when the newest rows were stored."""
        newest = " UNION ALL ".join(f"SELECT max(landed_at) AS t FROM landing.main.{table}" for table in OFFSET_TABLES)
        return self._moment(f"SELECT max(t) FROM ({newest})")

    def last_validated_at(self) -> datetime | None:
        """Return the `landed_at` up to which rows have been validated."""
        return self._moment("SELECT max(batch_to) FROM landing.main.validations WHERE level = 'row'")

    def commit(self, tables: Mapping[str, pa.Table], following: Offsets) -> None:
        """
        Store rows in one transaction. `following` contains the offset that comes after these rows in each partition.

        1. In the transaction, the store reads the number of the lake's current snapshot. If another process has
           committed since this store's last commit, the store compares the next offsets and the topics' generations in
           the lake with its own. If an offset differs, or a topic was recreated, it raises `LakeConflict` and stores
           nothing.
        2. The store inserts the rows, and commits. The catalog accepts the commit only if no other process has
           committed since step 1.
        3. If another process has committed in between, the catalog refuses the commit, and nothing is stored. The store
           then begins again with step 1, up to 20 times.
        4. After the commit, the store keeps `following` as the next offsets.

        Raises:
            LakeConflict: another writer has stored offsets since this store was opened, or a topic was recreated.
            LakeUnavailable: the catalog does not answer, or refuses the commit.
        """
        self._renewal.renew()
        for _ in range(_ATTEMPTS):
            if self._try_commit(tables):
                self.next.update(following)
                return
        raise LakeUnavailable(
            f"the lake accepted no commit in {_ATTEMPTS} tries, because other processes kept committing"
        )

    def compact(self) -> None:
        """Merge the small files of recent commits."""
        self._renewal.renew()
        compact(self._lake)

    def reader(self) -> duckdb.DuckDBPyConnection:
        """Open another session on the same catalog."""
        return self._lake.cursor()

    def close(self) -> None:
        """Detach the catalog."""
        self._lake.close()

    def _try_commit(self, tables: Mapping[str, pa.Table]) -> bool:
        try:
            with transaction(self._lake):
                snapshot = self._current_snapshot()
                if snapshot != self._snapshot:
                    self._recheck()
                for name, table in tables.items():
                    self._lake.register("batch", table)
                    self._lake.execute(f"INSERT INTO landing.main.{name} BY NAME FROM batch")
        except duckdb.Error as error:
            if _OVERTAKEN in str(error):
                log.info("commit_overtaken", snapshot=snapshot)
                return False
            # The error's message contains the whole statement, including data from events, so the message is not passed
            # on.
            raise LakeUnavailable(f"the lake refused a commit: {type(error).__name__}") from None
        self._snapshot = snapshot + 1
        return True

    def _moment(self, query: str) -> datetime | None:
        found: datetime | None = one_row(self._lake.execute(query))[0]
        return aware(found)

    def _current_snapshot(self) -> int:
        snapshot: int = one_row(self._lake.execute("FROM landing.current_snapshot()"))[0]
        return snapshot

    def _recheck(self) -> None:
        for (topic, partition), found in next_offsets(self._lake).items():
            expected = self.next.get((topic, partition))
            if found != expected:
                raise LakeConflict(
                    f"{topic}/{partition} continues at {found} in the lake, not {expected}: another process landed it"
                )
        if (generations := landed_generations(self._lake)) != self.generations:
            ids = {topic: generation.topic_id for topic, generation in generations.items()}
            if topics := recreated(self.generations, ids):
                raise LakeConflict(f"{', '.join(topics)} was deleted and recreated while its records landed")
            self.generations = generations
