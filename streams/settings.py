"""The configuration of one installation. It is read once from the environment, and then passed on as a value."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from streams.errors import SettingInvalid

__all__ = ["PROJECT", "Settings"]

PROJECT = Path(__file__).resolve().parent.parent
"""The checkout or image folder that holds `dags`, `dbt_project` and `streams`."""


_OBJECTS = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9_][A-Za-z0-9_.-]*)*/?")
"""A bucket and a prefix without characters that DuckDB would take for a pattern, or that need quoting in a URL."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """
    The whole configuration. Each field has one environment variable: `CAF_` and the field's name in capitals.

    A variable with `_FILE` at the end of its name names a file that contains the value, for example
    `CAF_POSTGRES_FILE`. Use files for values that contain a password, because an environment is easy to see.

    If `kafka`, `postgres` or `airflow` is empty, the installation uses its own server, whose files are in `home`.
    """

    home: Path = PROJECT / ".caf"
    """Folder of all state: Kafka log, PostgreSQL, lake files, Airflow home, logs."""
    kafka: str = ""
    """Kafka bootstrap servers, `host:port[,host:port]`. If empty, the embedded broker on `kafka_port` is used."""
    kafka_port: int = 19092
    """Port of the embedded broker."""
    kafka_config: str = ""
    """
    File with the client properties for the brokers that `kafka` names: security protocol, login, certificates. If it is
    a folder, it contains a file `<principal>.properties` for each principal that is used here. The embedded broker
    needs no such file, because the home has one for each principal.
    """
    partners: str = ""
    """Absolute path of the table of partners on Kafka. If empty, `streams/kafka/partners.csv` is used."""
    retention: str = ""
    """Absolute path of the retention schedule. If empty, `streams/erase/retention.csv` is used."""
    principal: str = "engineer"
    """
    The name under which this process logs in to the broker, unless `kafka_config` is a file. It decides which topics
    the process may use.
    """
    postgres: str = ""
    """libpq URL of the PostgreSQL server that holds the catalogs. If empty, the embedded server is used."""
    database: str = "caf"
    """Name of the PostgreSQL database that holds the lake's catalogs."""
    lake_data: str = ""
    """Folder of the lake's Parquet files, or `s3://bucket/prefix`. If empty, `home/lake` is used."""
    lake_url_style: str = ""
    """
    How the address of an object names its bucket, if the lake is in an object store: `path` or `vhost`. If empty,
    `path` is used for an endpoint that `AWS_ENDPOINT_URL` names, and `vhost` for AWS.
    """
    airflow_port: int = 18080
    """Port of Airflow's API server and web pages."""
    airflow: str = ""
    """URL of an Airflow that runs elsewhere, `http://name:password@host:port`. If empty, the home's Airflow is used."""
    dashboard_port: int = 18501
    """Port of the dashboard's pages."""
    dashboard_host: str = "127.0.0.1"
    """Address on which the dashboard listens. If it is not the loopback address, put a TLS proxy in front of it."""
    dashboard_url: str = ""
    """
    Address of the pages in the readers' browsers, for example `https://caf.example.gov.uk`. Needed behind a TLS proxy,
    and for logging in with OpenID Connect. If it is not empty, requests for other hosts are refused.
    """
    dashboard_proxies: str = ""
    """
    Addresses of the proxies in front of the pages, separated by commas. Only these may say from which address a request
    comes (`X-Forwarded-For`). If empty, nobody may.
    """
    session_hours: float = 8.0
    """Hours after which a login to the pages ends."""
    session_idle_minutes: float = 60.0
    """Minutes without use after which a login to the pages ends. An open page that updates itself is not used."""
    emergency_minutes: float = 60.0
    """Minutes for which a family that a desk of other areas opens in an emergency stays open to it."""
    local_accounts: str = ""
    """
    Names of the accounts of `./caf desk` that may log in although OpenID Connect is on, separated by commas. Without
    OpenID Connect, all of them may log in.
    """
    oidc_issuer: str = ""
    """Address of the OpenID Connect provider, its issuer. If empty, people log in with accounts of `./caf desk`."""
    oidc_client_id: str = ""
    """The id under which the provider knows the pages."""
    oidc_client_secret: str = field(default="", repr=False)
    """The secret that the provider gave to the pages."""
    oidc_scope: str = "openid profile offline_access"
    """What the pages ask the provider for. `openid` is necessary."""
    oidc_roles_claim: str = "roles"
    """
    The claim of the ID token that says what somebody may see. Dots lead into nested claims, as in `realm_access.roles`.
    """
    oidc_roles: str = ""
    """
    Which value of that claim gives which role of the pages: `CAF-Desk=desk, CAF-Birkenhead=desk:birkenhead,
    CAF-Figures=figures`. `desk:birkenhead+wallasey` is the desk of two areas.
    """
    oidc_contact: str = "the administrators of these pages"
    """Whom people without a role are told to ask."""
    metrics_token: str = ""
    """Bearer token that a request for `/metrics` must carry. If empty, all such requests are refused."""
    late_seconds: float = 60.0
    """
    Seconds that a record may wait to be evaluated or landed. After this time, `./caf status` reports a problem.

    Letters to referrers and notices to partners may wait twice as long.
    """
    stale_minutes: float = 15.0
    """
    Minutes after which the pages call figures old. If a record is not in the marts after this time, `./caf status`
    reports a problem.
    """
    authority: str = "E08000015"
    """GSS code of the authority whose working hours and practice profile apply to events that name no authority."""
    partitions: int = 6
    """
    Number of partitions of each input topic and of the alerts topic. A family has the same partition number on all
    these topics.
    """
    replication: int = 1
    """Number of replicas of each topic."""
    retention_days: int = 30
    """Days for which Kafka keeps input events. After this time, only the lake has the events."""
    max_record_bytes: int = 262_144
    """Largest size of a record that the contract accepts, in bytes."""
    land_batch_rows: int = 50_000
    """Number of rows after which `land` commits without waiting for more."""
    land_batch_seconds: float = 1.0
    """Longest time in seconds that a record waits for its batch to fill."""
    heartbeat_seconds: float = 1.0
    """Seconds between two heartbeats of the watcher."""
    build_warm_seconds: float = 600.0
    """
    Seconds for which one run of the DAG `build_marts` keeps building. After that, the run compares the built alerts
    with the streamed ones.
    """
    build_hours: float = 1.0
    """Hours after which Airflow stops a run of `build_marts` that has not ended by itself."""
    build_memory_mb: int = 0
    """
    MB of memory for a build's tables and queries. 0 means a quarter of the machine's memory. Data that do not fit into
    this memory are written to files.
    """
    build_engine: str = "duckdb"
    """Engine of the DAG `build_marts`: `duckdb`, or `spark` for a lake that is too large for one machine."""
    spark_master: str = "local[*]"
    """Spark's master: `local[N]` for N cores of this machine, `spark://host:port`, `yarn` or `k8s://…`."""
    spark_venv: str = ""
    """
    Folder of the Python environment with Spark, which is created on first use. If empty, `home/spark-venv` is used.
    """
    spark_folder: str = ""
    """
    Folder through which processes exchange shards. Every worker must see it at this path. If empty, `home/nation` is
    used.
    """
    spark_shard_events: int = 200_000
    """Number of records that each shard of a build on Spark should have. A larger shard needs more memory."""
    ended_alert_days: float = 7.0
    """Days for which an ended alert stays on the topic of current alerts."""
    backup: str = ""
    """Folder into which the DAG `back_up` copies the lake every day. If empty, the DAG does nothing."""
    backup_key: str = ""
    """File with the key or passphrase that encrypts the backups. If empty, they are not encrypted."""
    backup_keep: int = 14
    """Number of backups that the DAG `back_up` keeps."""
    case_url: str = "https://cases.example/{family_id}"
    """Link to the case record in each alert. `{family_id}` is replaced by the family's id."""

    def __post_init__(self) -> None:
        if self.partitions < 1:
            raise SettingInvalid(f"CAF_PARTITIONS is {self.partitions}; allowed: 1 or more")
        if self.build_memory_mb and self.build_memory_mb < 300:
            raise SettingInvalid(f"CAF_BUILD_MEMORY_MB is {self.build_memory_mb}; allowed: 300 or more, or 0")
        if self.build_engine not in {"duckdb", "spark"}:
            raise SettingInvalid(f"CAF_BUILD_ENGINE is {self.build_engine!r}; allowed: duckdb, spark")
        self._check_lake()
        self._check_files()
        if self.spark_shard_events < 1:
            raise SettingInvalid(f"CAF_SPARK_SHARD_EVENTS is {self.spark_shard_events}; allowed: 1 or more")
        if self.kafka_config and not self.kafka:
            raise SettingInvalid("CAF_KAFKA_CONFIG is for brokers elsewhere; name them in CAF_KAFKA")
        if self.session_hours <= 0 or self.session_idle_minutes <= 0:
            raise SettingInvalid("CAF_SESSION_HOURS or CAF_SESSION_IDLE_MINUTES is too small; allowed: more than 0")
        if self.emergency_minutes <= 0:
            raise SettingInvalid(f"CAF_EMERGENCY_MINUTES is {self.emergency_minutes:g}; allowed: more than 0")
        if "{family_id}" not in self.case_url:
            raise SettingInvalid("CAF_CASE_URL lacks its placeholder; it must contain {family_id}")
        if self.airflow and not _names_login(self.airflow):
            raise SettingInvalid("CAF_AIRFLOW is incomplete; allowed: http(s)://name:password@host[:port]")

    def _check_lake(self) -> None:
        if self.is_in_object_store and not _OBJECTS.fullmatch(self.lake_data):
            raise SettingInvalid(
                f"CAF_LAKE_DATA is {self.lake_data!r}; allowed: a folder, or s3://bucket/prefix with letters, digits "
                "and _ . -"
            )
        if self.lake_url_style not in {"", "path", "vhost"}:
            raise SettingInvalid(f"CAF_LAKE_URL_STYLE is {self.lake_url_style!r}; allowed: path, vhost")
        if self.is_in_object_store and self.build_engine == "spark":
            raise SettingInvalid(
                "CAF_BUILD_ENGINE is 'spark' and CAF_LAKE_DATA an object store, which a build on Spark does not read; "
                "allowed: duckdb, or a folder that all workers see"
            )

    def _check_files(self) -> None:
        paths = {"CAF_BACKUP": self.backup, "CAF_BACKUP_KEY": self.backup_key, "CAF_RETENTION": self.retention}
        for variable, path in paths.items():
            if path and not Path(path).is_absolute():
                raise SettingInvalid(f"{variable} is {path!r}; allowed: a path that begins with /")
        if self.backup_keep < 1:
            raise SettingInvalid(f"CAF_BACKUP_KEEP is {self.backup_keep}; allowed: 1 or more")

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """
        Read the settings from `CAF_*` variables. A field whose variable is not set keeps its default.

        Raises:
            SettingInvalid: a value does not have the type of its field, or is out of range, or its file cannot be read.
        """
        environ = os.environ if environ is None else environ
        given: dict[str, Any] = {}
        for one in fields(cls):
            variable = f"CAF_{one.name.upper()}"
            text = environ.get(variable, "") or _from_file(environ, variable)
            if text == "":
                continue
            kind = one.type
            assert isinstance(kind, type), "annotations of this module are not text"
            try:
                given[one.name] = Path(text).absolute() if kind is Path else kind(text)
            except ValueError:
                # A file may hold a secret, so its content is not repeated.
                wrong = f"{variable} is {text!r}" if environ.get(variable) else f"{variable}_FILE names a wrong value"
                raise SettingInvalid(f"{wrong}; allowed: {kind.__name__}") from None
        return cls(**given)

    def to_env(self) -> dict[str, str]:
        """Return environment variables from which another process reads exactly these settings."""
        return {f"CAF_{one.name.upper()}": str(getattr(self, one.name)) for one in fields(self)}

    def acting_as(self, principal: str) -> "Settings":
        """Return the same settings for a process that logs in to the embedded broker under another name."""
        return replace(self, principal=principal)

    @property
    def bootstrap(self) -> str:
        """The address of the broker: the configured one, or that of the embedded broker."""
        return self.kafka or f"127.0.0.1:{self.kafka_port}"

    @property
    def lake_folder(self) -> str:
        """The folder or prefix of the lake's Parquet files."""
        return self.lake_data or str(self.home / "lake")

    @property
    def is_in_object_store(self) -> bool:
        """Whether the lake's files are objects instead of files in a folder."""
        return "://" in self.lake_data


def _from_file(environ: Mapping[str, str], variable: str) -> str:
    """Return what the file contains that `<variable>_FILE` names, or an empty text if the variable is not set."""
    name = environ.get(f"{variable}_FILE", "")
    if not name:
        return ""
    try:
        return Path(name).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingInvalid(f"{variable}_FILE names {name}, which cannot be read ({why})") from None


def _names_login(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and all((parts.hostname, parts.username, parts.password))
