"""Where things are and how large they are: read once from the environment, then passed on as a value."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from streams.errors import SettingInvalid

__all__ = ["PROJECT", "Settings"]

PROJECT = Path(__file__).resolve().parent.parent
"""The checkout or image folder that holds `dags`, `dbt_project` and `streams`."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """
    The whole configuration. Each field has one environment variable: `CAF_` and the name in capitals.

    An empty `kafka`, `postgres` or `airflow` means the server of `home`.
    """

    home: Path = PROJECT / ".caf"
    """Folder of all state: Kafka log, PostgreSQL, lake files, Airflow home, logs."""
    kafka: str = ""
    """Bootstrap servers, `host:port[,host:port]`; empty: the embedded broker on `kafka_port`."""
    kafka_port: int = 19092
    """Port of the embedded broker."""
    postgres: str = ""
    """libpq URL of a server whose database holds the catalogs; empty: the embedded server."""
    database: str = "caf"
    """Name of the PostgreSQL database that holds the lake's catalogs."""
    lake_data: str = ""
    """Folder or object-store prefix of the lake's Parquet files; empty: `home/lake`."""
    airflow_port: int = 18080
    """Port of Airflow's API server and pages."""
    airflow: str = ""
    """URL of an Airflow elsewhere, `http://name:password@host:port`; empty: the home's Airflow on `airflow_port`."""
    dashboard_port: int = 18501
    """Port of the pages."""
    dashboard_host: str = "127.0.0.1"
    """Address that the pages listen on. Any other than the loopback address must be behind a proxy that speaks TLS."""
    metrics_token: str = ""
    """Bearer token that a request for `/metrics` must carry; empty: nobody may ask for it."""
    late_seconds: float = 60.0
    """
    How long a record may wait to be evaluated or landed before it counts as trouble.

    Letters and notices may wait twice as long.
    """
    stale_minutes: float = 15.0
    """The pages call figures old, and a record not yet built counts as trouble, from this age on."""
    authority: str = "E08000015"
    """GSS code of the authority whose working hours and profile apply if an event names none."""
    partitions: int = 6
    """Partitions of each input topic and of the alerts topic; equal, so that a family has one number everywhere."""
    replication: int = 1
    """Replicas of each topic."""
    retention_days: int = 30
    """Days that Kafka keeps input events; after that, only the lake has them."""
    max_record_bytes: int = 262_144
    """Largest record that the contract accepts."""
    land_batch_rows: int = 50_000
    """Rows after which `land` commits without waiting."""
    land_batch_seconds: float = 1.0
    """Longest time that a record waits for its batch."""
    heartbeat_seconds: float = 1.0
    """Interval of the watcher's heartbeat."""
    build_warm_seconds: float = 600.0
    """How long a run of the DAG `build_marts` keeps building; then its alerts are compared with the streamed ones."""
    build_hours: float = 1.0
    """Hours after which Airflow stops a run of `build_marts` that has not ended by itself."""
    build_memory_mb: int = 0
    """MB of memory for a build's tables and queries; 0 for a quarter of the machine's. Files hold the rest."""
    build_engine: str = "duckdb"
    """What builds in the DAG `build_marts`: `duckdb`, or `spark` for a lake that is too large for one machine."""
    spark_master: str = "local[*]"
    """Spark's master: `local[N]` for N cores of this machine, `spark://host:port`, `yarn` or `k8s://…`."""
    spark_venv: str = ""
    """Folder of the Python environment with Spark, which is made on first use; empty: `home/spark-venv`."""
    spark_folder: str = ""
    """Folder through which shards are passed on; all workers see it under this path; empty: `home/nation`."""
    spark_shard_events: int = 200_000
    """Records that a shard of a build on Spark should have; its memory grows with them."""
    ended_alert_days: float = 7.0
    """Days that an ended alert stays on the topic of current alerts."""
    case_url: str = "https://cases.example/{family_id}"
    """Link to the case record in each alert; `{family_id}` is filled in."""

    def __post_init__(self) -> None:
        if self.partitions < 1:
            raise SettingInvalid(f"CAF_PARTITIONS is {self.partitions}; allowed: 1 or more")
        if self.build_memory_mb and self.build_memory_mb < 300:
            raise SettingInvalid(f"CAF_BUILD_MEMORY_MB is {self.build_memory_mb}; allowed: 300 or more, or 0")
        if self.build_engine not in {"duckdb", "spark"}:
            raise SettingInvalid(f"CAF_BUILD_ENGINE is {self.build_engine!r}; allowed: duckdb, spark")
        if self.spark_shard_events < 1:
            raise SettingInvalid(f"CAF_SPARK_SHARD_EVENTS is {self.spark_shard_events}; allowed: 1 or more")
        if "{family_id}" not in self.case_url:
            raise SettingInvalid("CAF_CASE_URL lacks its placeholder; it must contain {family_id}")
        if self.airflow and not _names_login(self.airflow):
            raise SettingInvalid("CAF_AIRFLOW is incomplete; allowed: http(s)://name:password@host[:port]")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """
        Read the settings from `CAF_*` variables; a field whose variable is not set keeps its default.

        Raises:
            SettingInvalid: a value is not of its field's type, or not in its range.
        """
        environ = os.environ if environ is None else environ
        given: dict[str, Any] = {}
        for field in fields(cls):
            variable = f"CAF_{field.name.upper()}"
            text = environ.get(variable, "")
            if text == "":
                continue
            kind = field.type
            assert isinstance(kind, type), "annotations of this module are not text"
            try:
                given[field.name] = Path(text).absolute() if kind is Path else kind(text)
            except ValueError:
                raise SettingInvalid(f"{variable} is {text!r}; allowed: {kind.__name__}") from None
        return cls(**given)

    def to_env(self) -> dict[str, str]:
        """The variables that make another process read exactly these settings."""
        return {f"CAF_{field.name.upper()}": str(getattr(self, field.name)) for field in fields(self)}

    @property
    def bootstrap(self) -> str:
        """The address of the broker, embedded or named."""
        return self.kafka or f"127.0.0.1:{self.kafka_port}"

    @property
    def lake_folder(self) -> str:
        """The folder or prefix of the lake's Parquet files."""
        return self.lake_data or str(self.home / "lake")


def _names_login(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and all((parts.hostname, parts.username, parts.password))
