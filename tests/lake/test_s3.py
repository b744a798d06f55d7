"""A lake in an object store is a lake like any other. All tests share one S3 server and one lake."""

import io
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from uuid import uuid4

import duckdb
import pyarrow as pa
import pytest
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from streams.backup import take
from streams.backup.folder import BackupFolder
from streams.backup.put_back import Aside, fill_aside, finish_lake, load_lake, refuse_taken_places
from streams.cli.main import caf, main
from streams.erase.find import Found, Place
from streams.erase.landing import erase_landed
from streams.errors import CafError, LakeUnavailable, RestoreRefused, SettingInvalid
from streams.health.look import Observer
from streams.lake import maintain as maintenance
from streams.lake import renewal
from streams.lake.connect import connect, connect_as, load_extensions, statements_for
from streams.lake.maintain import maintain
from streams.lake.object_check import check_objects, says_of_versions
from streams.lake.object_store import ObjectStore
from streams.lake.objects import Objects, versioning_of
from streams.lake.postgres import Postgres
from streams.lake.renewal import Renewal
from streams.lake.roles import SqlRole
from streams.lake.unfinished import restoring
from streams.land.store import LandingStore
from streams.settings import Settings
from streams.stack.broker import _environment as environment_of_the_broker
from streams.stack.ports import free_ports
from streams.stack.postgres import _environment as environment_of_postgres
from tests.lake.files import keys_of_files
from tests.lake.object_server import BUCKET, ObjectServer

KEY, SECRET = "AKIDOWNER", "kept-by-nobody-else-0001"
GONE = "F-gone-7431"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectServer]:
    made = ObjectServer(tmp_path_factory.mktemp("s3"))
    made.start({KEY: SECRET})
    yield made
    made.stop()


@pytest.fixture(scope="module")
def environment(server: ObjectServer) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "eu-west-2",
            "AWS_ENDPOINT_URL_S3": server.url,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nowhere",
            "AWS_SHARED_CREDENTIALS_FILE": "/nowhere",
        }.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="module")
def lake(settings: Settings, postgres: Postgres, environment: None) -> Iterator[Settings]:
    """The settings of a lake in the bucket, with rows in many small files, and a table for analysts."""
    own = replace(settings, database=f"t_{uuid4().hex[:12]}", lake_data=f"s3://{BUCKET}/lake")
    with connect(own, landing="read_write", marts="read_write") as made:
        for number in range(3):
            for table in ("events", "quarantine"):
                made.execute(f"INSERT INTO landing.main.{table} BY NAME SELECT {number} AS kafka_offset, 'x' AS topic")
        made.execute(
            f"INSERT INTO landing.main.quarantine BY NAME SELECT 'x' AS topic, 0 AS kafka_partition, "
            f"7 AS kafka_offset, '{GONE}' AS record_key"
        )
        made.execute("INSERT INTO landing.main.coverage BY NAME SELECT 'E08000015' AS authority_code")
        made.execute("CREATE SCHEMA marts.analytics; CREATE TABLE marts.analytics.figures AS SELECT 'a figure' AS said")
    yield own
    postgres.drop(own.database)


def offsets(settings: Settings) -> list[int]:
    with connect(settings) as opened:
        return [one for (one,) in opened.execute("SELECT kafka_offset FROM landing.main.events ORDER BY 1").fetchall()]


def rows_in_objects(settings: Settings, server: ObjectServer, folder: Path) -> str:
    """All rows in all objects of the lake, decrypted with the keys of the catalogs."""
    keys, found = keys_of_files(settings), []
    for number, (name, content) in enumerate(server.objects("lake/").items()):
        file = folder / f"{number}.parquet"
        file.write_bytes(content)
        with pytest.raises(duckdb.InvalidInputException, match="encrypted"):
            duckdb.execute("FROM read_parquet(?)", [str(file)])
        opened = "encryption_config = {footer_key_value: from_base64(?)}"
        found += duckdb.execute(f"FROM read_parquet(?, {opened})", [str(file), keys[Path(name).name]]).fetchall()
    return repr(found)


def test_rows_are_in_encrypted_objects_below_the_prefix(lake: Settings, server: ObjectServer, tmp_path: Path) -> None:
    assert offsets(lake) == [0, 1, 2]
    assert server.objects() == server.objects("lake/")
    assert {name.split("/")[1] for name in server.objects()} == {"landing", "marts"}
    assert GONE in rows_in_objects(lake, server, tmp_path)


def test_the_store_is_as_the_lake_needs_it(lake: Settings, server: ObjectServer) -> None:
    """The check leaves nothing behind."""
    before, said = server.objects(), list[str]()
    check_objects(lake, said.append)

    assert said == []
    assert server.objects() == before


@pytest.mark.parametrize(
    ("variable", "value", "named"),
    [
        ("CAF_LAKE_DATA", "s3://another-bucket/lake", "no such bucket"),
        ("AWS_ACCESS_KEY_ID", "AKIDUNKNOWN", "AWS_ACCESS_KEY_ID"),
        ("AWS_SECRET_ACCESS_KEY", "of-somebody-else", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9", "does not answer .* AWS_ENDPOINT_URL"),
        ("AWS_ENDPOINT_URL_S3", "http://me:of-somebody-else@127.0.0.1:9", "AWS_ENDPOINT_URL_S3 is no address"),
        ("AWS_CA_BUNDLE", "/nowhere/authorities.pem", "AWS_CA_BUNDLE is '/nowhere/authorities.pem'"),
        ("AWS_ACCESS_KEY_ID", "", "no credentials"),
    ],
)
def test_a_wrong_setting_is_named_without_a_secret_before_anything_starts(
    lake: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, value: str, named: str
) -> None:
    own = {"CAF_HOME": str(tmp_path / "home"), "CAF_KAFKA_PORT": str(free_ports(1)[0])}
    for name, given in {**lake.to_env(), **own, variable: value}.items():
        monkeypatch.setenv(name, given)
    result = CliRunner().invoke(caf, ["up"])

    assert isinstance(result.exception, (LakeUnavailable, SettingInvalid))
    with pytest.raises(CafError, match=named):
        raise result.exception
    assert not {SECRET, "of-somebody-else"} & set(str(result.exception).replace("@", " ").replace(":", " ").split())
    assert not (tmp_path / "home" / "postgres").exists()


def test_a_lake_without_credentials_does_not_open(lake: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    with pytest.raises(LakeUnavailable, match="no credentials for it were found; set AWS_ACCESS_KEY_ID"):
        connect(lake)


def test_a_store_that_fails_later_is_named_by_commands_and_by_status(
    lake: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The servers of the home run, and the secret has become wrong."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-somebody-else")
    for name, given in lake.to_env().items():
        monkeypatch.setenv(name, given)
    monkeypatch.setattr(sys, "argv", ["caf", "coverage", "list"])
    monkeypatch.setattr("streams.cli.main._log_to_stderr", lambda: None)  # other tests log elsewhere
    with pytest.raises(SystemExit) as ended:
        main()
    row = Observer(lake).look().row("lake")

    assert ended.value.code == 1
    for said in (capsys.readouterr().err, row.says):
        assert "the secret does not belong to the access key; correct AWS_SECRET_ACCESS_KEY" in said
        assert "of-somebody-else" not in said
    assert row.level == "red"


@pytest.mark.parametrize("role", SqlRole)
def test_no_query_shows_the_secret(lake: Settings, role: SqlRole) -> None:
    assert SECRET not in " ".join(statements_for(lake, role))
    with connect_as(lake, role) as opened:
        shown = [opened.execute(f"FROM duckdb_{what}()").fetchall() for what in ("secrets", "settings")]
        opened.execute("RESET s3_secret_access_key")
        shown.append(opened.execute("FROM duckdb_settings()").fetchall())
        with pytest.raises(duckdb.InvalidInputException, match="disabled"):
            opened.execute("FROM duckdb_secrets(redact => false)")
        with pytest.raises(duckdb.InvalidInputException, match="Cannot change"):
            opened.execute("SET allow_unredacted_secrets = true")

    assert "redacted" in str(shown[0])
    assert SECRET not in str(shown)


def test_a_lake_in_a_folder_shows_no_secret_of_the_environment(fresh_settings: Settings, environment: None) -> None:
    with connect(fresh_settings) as opened:
        assert SECRET not in str(opened.execute("FROM duckdb_settings()").fetchall())


def test_settings_and_servers_do_not_get_the_secret(lake: Settings) -> None:
    for environ in (lake.to_env(), environment_of_the_broker(), environment_of_postgres()):
        assert SECRET not in environ.values()


def test_analyst_needs_only_to_read(lake: Settings, server: ObjectServer) -> None:
    before = len(server.requests())
    with connect_as(lake, SqlRole.ANALYST) as opened:
        assert opened.execute("FROM marts.analytics.figures").fetchall() == [("a figure",)]
    sent = server.requests()[before:]

    assert {method for method, _ in sent} <= {"GET", "HEAD"}
    assert all(path.startswith(f"/{BUCKET}/lake/marts/analytics/figures/") for _, path in sent)


def test_merged_rows_are_in_one_object(lake: Settings, server: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "SNAPSHOTS_KEPT", maintenance.SNAPSHOTS_KEPT * 0)
    maintain(lake)

    assert offsets(lake) == [0, 1, 2]
    assert len(server.objects("lake/landing/main/events/")) == 1


def test_a_restored_backup_has_all_rows(
    lake: Settings, postgres: Postgres, server: ObjectServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The backup is restored below another prefix, beside the lake."""
    monkeypatch.setattr(take, "unlanded", lambda _: None)  # there is no broker
    folder = BackupFolder(tmp_path / "backups")
    taken = take.back_up(lake, folder, keep=None, say=lambda _: None)
    home = tmp_path / "home"
    own = replace(lake, home=home, database=f"t_{uuid4().hex[:12]}", lake_data=f"s3://{BUCKET}/restored")
    target = replace(own, postgres=postgres.url)
    refuse_taken_places(target, may_replace=False)
    aside = Aside(target, replaces=False)
    aside.make()
    manifest = folder.manifest(taken.name)
    fill_aside(folder, taken.name, manifest, aside, lambda _: None)
    with restoring():
        load_lake(folder, taken.name, manifest, aside.settings, "./caf restore")
        restored = offsets(aside.settings)
    finish_lake(target)

    copied = {name.removeprefix("restored/"): content for name, content in server.objects("restored/").items()}
    assert restored == offsets(lake)
    assert {f"lake/{name}": content for name, content in copied.items()}.items() <= server.objects("lake/").items()
    with pytest.raises(RestoreRefused, match="s3://council/restored is not empty"):
        refuse_taken_places(target, may_replace=False)
    postgres.drop(own.database)


def test_an_interrupted_restore_leaves_no_objects(lake: Settings, server: ObjectServer, tmp_path: Path) -> None:
    target = replace(lake, home=tmp_path / "home", lake_data=f"s3://{BUCKET}/half")
    aside = Aside(target, replaces=False)
    aside.make()
    with Objects(target) as objects:
        objects.write("caf-restoring", io.BytesIO())
        objects.write("landing/half.parquet", io.BytesIO(b"half"))
    refuse_taken_places(target, may_replace=False)
    aside.remove()

    assert server.objects("half/") == {}


def test_erased_person_is_in_no_object(lake: Settings, server: ObjectServer, tmp_path: Path) -> None:
    before = server.objects("lake/landing/main/quarantine/")
    erase_landed(lake, Found(erased={"quarantine": [Place("x", 0, 7)]}), "an-erasure")

    assert not before.keys() & server.objects().keys()
    assert GONE not in rows_in_objects(lake, server, tmp_path)
    assert offsets(lake) == [0, 1, 2]


def test_a_person_is_told_if_the_store_does_not_say_what_it_keeps(lake: Settings) -> None:
    (sentence,) = says_of_versions(lake)

    assert "does not say whether its bucket keeps versions" in sentence


def test_new_credentials_are_found_while_the_lake_is_open(
    lake: Settings, server: ObjectServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A reader and a lander stay open while the store stops to accept the earlier credentials."""
    file = tmp_path / "credentials"
    profile = "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n"
    file.write_text(profile.format(KEY, SECRET))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    columns = [("topic", pa.string()), ("kafka_partition", pa.int32()), ("kafka_offset", pa.int64())]
    rows = pa.table({"topic": ["x"], "kafka_partition": [0], "kafka_offset": [9]}, pa.schema(columns))
    with closing(LandingStore(lake)) as store, connect(lake) as reader:
        server.stop()
        server.start({"AKIDLATER": "another-secret-0002"})
        file.write_text(profile.format("AKIDLATER", "another-secret-0002"))
        store.commit({"events": rows}, {("x", 0): 10})
        read = reader.execute("SELECT max(kafka_offset) FROM landing.main.events WHERE topic IS NOT NULL").fetchone()
    server.stop()
    server.start({KEY: SECRET})

    assert read == (9,)


def test_a_session_has_new_credentials_before_the_earlier_ones_expire(
    lake: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS answers to expired credentials with a status that DuckDB does not take for a reason to look for new ones."""
    with connect(lake) as opened:
        renewed = Renewal(lake, opened)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDLATER")
        renewed.renew()
        at_once = opened.execute("SELECT secret_string FROM duckdb_secrets()").fetchone()
        monkeypatch.setattr(renewal, "RENEW_SECONDS", 0.0)
        renewed.renew()
        later = opened.execute("SELECT secret_string FROM duckdb_secrets()").fetchone()
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        renewed.renew()
        without = opened.execute("SELECT secret_string FROM duckdb_secrets()").fetchone()

    assert KEY in at_once[0]
    assert "AKIDLATER" in later[0]
    assert without == later


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ("<VersioningConfiguration xmlns='x'><Status>Enabled</Status></VersioningConfiguration>", "Enabled"),
        ("<VersioningConfiguration xmlns='x'><Status>Suspended</Status></VersioningConfiguration>", "Suspended"),
        ("<VersioningConfiguration xmlns='x'/>", "never"),
        ("<ListBucketResult/>", "unknown"),
    ],
)
def test_the_answer_about_versions_is_understood(answer: str, says: str) -> None:
    assert versioning_of(answer) == says


@pytest.mark.parametrize(
    ("endpoint", "is_open"),
    [
        ("http://127.0.0.1:9000", False),
        ("http://localhost:9000", False),
        ("http://[::1]:9000", False),
        ("https://store.example", False),
        ("", False),
        ("http://store.example:9000", True),
        ("http://10.0.0.7", True),
    ],
)
def test_a_store_elsewhere_needs_tls(endpoint: str, is_open: bool) -> None:
    store = ObjectStore.of(Settings(lake_data="s3://council/lake"), {"AWS_ENDPOINT_URL": endpoint})

    assert store.is_open_to_listeners is is_open


def test_a_store_with_an_authority_of_its_own_is_trusted_if_that_is_named(
    environment: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    certificate, key = _certificate(tmp_path)
    own, settings = ObjectServer(tmp_path / "s3"), Settings(home=tmp_path, lake_data=f"s3://{BUCKET}/lake")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", own.url.replace("http:", "https:"))
    own.start({KEY: SECRET}, (certificate, key))
    try:
        with pytest.raises(LakeUnavailable, match="is not trusted; let AWS_CA_BUNDLE name its authority"):
            check_objects(settings, print)
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificate))
        check_objects(settings, print)
        with duckdb.connect(config={"allow_unsigned_extensions": True}) as session:
            load_extensions(session, settings)
            for statement in ObjectStore.of(settings).statements():
                session.execute(statement)
            session.execute(f"COPY (SELECT 5 AS n) TO '{settings.lake_data}/n.parquet'")
            read = session.execute(f"FROM '{settings.lake_data}/n.parquet'").fetchall()
    finally:
        own.stop()

    assert read == [(5,)]


def _certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for the loopback address that vouches for itself, and its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "store")])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(Encoding.PEM))
    files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files


def test_the_endpoint_of_the_store_comes_before_that_of_all_services() -> None:
    environ = {"AWS_ENDPOINT_URL": "https://all.example", "AWS_ENDPOINT_URL_S3": "https://store.example:9000"}
    store = ObjectStore.of(Settings(lake_data="s3://council/lake", lake_url_style="vhost"), environ)

    assert (store.host, store.is_path_style) == ("store.example:9000", False)


@pytest.mark.parametrize(
    "data", ["gs://council/lake", "s3://", "s3://Council/lake", "s3://council/*", "s3://council/a b"]
)
def test_what_is_no_prefix_of_a_bucket_is_refused(data: str) -> None:
    with pytest.raises(SettingInvalid, match="CAF_LAKE_DATA"):
        Settings(lake_data=data)


def test_a_build_on_spark_needs_a_folder() -> None:
    with pytest.raises(SettingInvalid, match="CAF_BUILD_ENGINE"):
        Settings(lake_data="s3://council/lake", build_engine="spark")
