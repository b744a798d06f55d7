"""`./caf restore`: make a home from a backup, and verify it."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace as changed
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from kafka.errors import KafkaError
from msgspec import structs

from expectations import holds
from streams import names
from streams.backup.catalog import open_to_all, refuse_loaded
from streams.backup.facts import shared_settings
from streams.backup.folder import BackupFolder, taken_at
from streams.backup.manifest import Manifest
from streams.backup.put_back import (
    Aside,
    alone,
    fill_aside,
    fill_erasures,
    fill_lake,
    finish_lake,
    load_lake,
    refuse_taken_places,
)
from streams.backup.unfinished import Unfinished, forget_unfinished, unfinished_in
from streams.cli.asking import confirm
from streams.cli.backup import folder_of, key_option, tell
from streams.erase.restored import apply_erasures
from streams.errors import RestoreRefused
from streams.kafka.client import admin
from streams.kafka.generations import recreated
from streams.kafka.heartbeat import last_heartbeat
from streams.kafka.topics import ensure_topics
from streams.lake.advisory import advisory_lock
from streams.lake.connect import connect
from streams.lake.generations import landed_generations, numbered_consumer
from streams.lake.lock_keys import LockKey
from streams.lake.unfinished import restoring
from streams.land import run as land
from streams.land.unused import note_unseen
from streams.land.verify import Verified, verify_offsets
from streams.land.writer import Landed
from streams.settings import Settings
from streams.stack import broker, machine, postgres, stack
from streams.stack.ports import check_port
from streams.times import wait_for

__all__ = ["command"]

_SERVERS = (postgres.NAME, broker.NAME)
_RUNS = timedelta(seconds=60)
_FORGET_SECONDS = 30.0
_WAIT_SECONDS = 60.0
"""How long to wait for the next record to land, in seconds. Landing needs some seconds to start."""


@click.command("restore")
@click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))
@click.option("--backup", "name", metavar="NAME", help="The backup to restore.  [default: the newest in the folder]")
@click.option("--home", type=click.Path(file_okay=False, path_type=Path), help="The home to make.  [default: CAF_HOME]")
@click.option(
    "--replace", is_flag=True, help="Replace the lake of a home that exists. The home keeps its broker and passwords."
)
@key_option
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(
    *, folder: Path | None, name: str | None, home: Path | None, replace: bool, key: Path | None, yes: bool
) -> None:
    """
    Make a home from a backup, land what the broker still has, and verify the result.

    The home must be new, unless you give --replace. Then the home must be stopped. What is replaced is kept in the
    home, in a folder 'before-restore-…'. At the end, the command says up to when the home reaches and what may be
    missing. './caf up' starts the restored home. If the command is interrupted, run it again: it goes on.
    """
    settings = Settings.from_env()
    settings = changed(settings, home=(home or settings.home).absolute())
    machine.check_home(settings.home)
    machine.check_clock(settings.home)
    left = unfinished_in(settings.home)
    with restoring(), _alone_in_database(settings):
        if left is not None and name in {None, left.name}:
            confirm(f"Finish the restore of backup {left.name} into {settings.home}?", yes=yes)
            with alone(settings.home):
                _finish(settings, left, folder, key)
        else:
            backups = folder_of(settings, folder, key)
            with alone(settings.home):
                left = _begin(settings, backups, backups.chosen(name), may_replace=replace, yes=yes)
        if left.replaced:
            place = settings.home / left.replaced
            click.echo(f"what was replaced is in {place}; remove it when you no longer need it")
        with alone(settings.home):
            _go_on(settings, left.manifest)


def _begin(settings: Settings, backups: BackupFolder, name: str, *, may_replace: bool, yes: bool) -> Unfinished:
    """Make the home. Return what is left to do."""
    manifest = backups.manifest(name)
    _refuse(settings, may_replace=may_replace)
    for difference in _differences(settings, manifest):
        tell(difference)
    confirm(f"Restore backup {name} ({manifest.rows['events']:,} events) into {settings.home}?", yes=yes)
    began = time.monotonic()
    unfinished = Unfinished(
        folder=str(backups.path),
        key=str(backups.key.absolute()) if backups.key else "",
        name=name,
        manifest=structs.replace(manifest, tables=[], files=[]),
    )
    _restore(settings, backups, unfinished, manifest, Aside(settings, replaces=may_replace))
    click.echo(f"restored backup {name} into {settings.home} in {time.monotonic() - began:.1f} s")
    return unfinished


def _finish(settings: Settings, left: Unfinished, folder: Path | None, key: Path | None) -> None:
    """Go on with a restore that was interrupted after the home had changed."""
    stack.down(settings)  # only the interrupted restore can have started servers of this home
    _refuse_running(settings)
    Aside(settings, replaces=False).move_in(left)
    if not left.is_loaded:
        backups = folder_of(settings, folder or Path(left.folder), key or (Path(left.key) if left.key else None))
        manifest = backups.manifest(left.name)
        fill_lake(backups, manifest, settings)  # an erasure may have removed files after they were loaded
        _fill_database(settings, backups, left, manifest, settings.home)
        left.save(settings.home)


@contextmanager
def _alone_in_database(settings: Settings) -> Iterator[None]:
    """
    If the database is elsewhere, let no other process restore into it until the block ends.

    Raises:
        LockTaken: another process does.
    """
    if settings.postgres:
        with advisory_lock(settings, LockKey.RESTORE, patience=0):
            yield
    else:
        yield


def _refuse(settings: Settings, *, may_replace: bool) -> None:
    """
    Check everything that can be checked before anything is written.

    Raises:
        BrokerUnavailable: the broker that the settings name does not answer.
        PortTaken: another program listens on the port of the new broker.
        RestoreRefused: something would be overwritten, or somebody still works there.
    """
    refuse_taken_places(settings, may_replace=may_replace)
    if settings.postgres:
        refuse_loaded(settings)
    _refuse_running(settings)


def _refuse_running(settings: Settings) -> None:
    """
    Check that nobody works in the home or at the broker.

    Raises:
        BrokerUnavailable: the broker that the settings name does not answer.
        PortTaken: another program listens on the port of the new broker.
        RestoreRefused: somebody still works there.
    """
    running = [part.part for part in stack.status(settings) if part.state == "running"]
    if running:
        raise RestoreRefused(f"{', '.join(running)} of {settings.home} still run; stop them with './caf down'")
    if not settings.kafka:
        check_port(settings.kafka_port, "CAF_KAFKA_PORT")
    elif (beat := last_heartbeat(settings)) is not None and beat[1] > datetime.now(UTC) - _RUNS:
        raise RestoreRefused(
            f"a watcher works at the broker {settings.kafka}, so another installation uses its topics; stop that one "
            "first, or restore beside a broker of its own"
        )


def _differences(settings: Settings, manifest: Manifest) -> list[str]:
    here = shared_settings(settings)
    return [
        f"{variable} was {value} when the backup was made, and is {here.get(variable)} here"
        for variable, value in manifest.settings.items()
        if here.get(variable) != value
    ]


def _restore(
    settings: Settings, backups: BackupFolder, unfinished: Unfinished, manifest: Manifest, aside: Aside
) -> None:
    """Make the home, without a broker."""
    postgres.stop(aside.settings)  # of a restore that was killed
    aside.make()
    try:
        (aside.path / machine.MARKER).touch()
        fill_aside(backups, unfinished.name, manifest, aside, tell)
        fill_erasures(backups, settings.home, aside)
        if settings.postgres:
            aside.take_its_place(unfinished)
            _fill_database(settings, backups, unfinished, manifest, settings.home)
            unfinished.save(settings.home)
        else:
            try:
                postgres.start(aside.settings)
                _fill_database(aside.settings, backups, unfinished, manifest, settings.home)
            finally:
                postgres.stop(aside.settings)
            aside.take_its_place(unfinished)
    finally:
        aside.remove()


def _fill_database(
    settings: Settings, backups: BackupFolder, unfinished: Unfinished, manifest: Manifest, home: Path
) -> None:
    """Load the lake. Erase from it again, before anybody reads it, what was erased after the backup was made."""
    tell("Loading the catalogs …")
    load_lake(backups, unfinished.name, manifest, settings, unfinished.command(home))
    since = taken_at(unfinished.name)
    assert since is not None, "names are times"
    if applied := apply_erasures(settings, since, holds=holds):
        tell(f"{applied} erasures that came after this backup were carried out again.")
    unfinished.is_loaded = True


def _go_on(settings: Settings, manifest: Manifest) -> None:
    """
    Land what the broker has and the backup lacks, verify the lake, and say what may be missing.

    After this, others may open the lake, even if an offset has no row: nothing more can be done about it here.

    Raises:
        PartsDisagree: an offset has no row, or several rows.
    """
    try:
        stack.up(settings, _SERVERS, say=tell)
        ensure_topics(settings)
        _forget_progress(settings)
        is_new = _has_new_topics(settings)
        tell("Landing what the broker has, and verifying …")
        landed = land(settings, once=True)  # also makes the rows of offsets that are lost
        unseen = note_unseen(settings)
        verified = _verify_while_landing(settings)
        finish_lake(settings)
        open_to_all(settings)
    finally:
        stack.down(settings)
    forget_unfinished(settings.home)
    for line in _reach(manifest, landed, verified, unseen, is_new=is_new):
        click.echo(line)
    verified.raise_if_different()
    click.echo("verified: every offset has exactly one row. './caf up' starts this home")


def _verify_while_landing(settings: Settings) -> Verified:
    """Verify the lake while its records land. Landing may itself send records, for example dead letters."""
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        landing = pool.submit(land, settings, until=stop.is_set)
        try:
            verified = verify_offsets(settings, wait=_WAIT_SECONDS)
        finally:
            stop.set()
        landing.result()
        return verified


def _forget_progress(settings: Settings) -> None:
    """
    Remove the offsets that the broker keeps for `land`.

    They say which records have landed in the lake of before. The restored lake may lack some of these. If Kafka has
    deleted them meanwhile, they must count as lost.

    Raises:
        RestoreRefused: the broker does not remove the offsets within half a minute. A broker that has just started
            needs some seconds.
    """

    def forget() -> bool:
        try:
            answer = client.delete_groups([names.LAND_GROUP])[names.LAND_GROUP]
        except KafkaError as error:
            if not error.retriable:
                raise
            return False
        return answer in {"OK", "GroupIdNotFoundError"}

    with closing(admin(settings)) as client:
        if not wait_for(forget, _FORGET_SECONDS, every=0.5):
            raise RestoreRefused(f"the broker keeps the offsets of {names.LAND_GROUP}; stop all landers, and try again")


def _has_new_topics(settings: Settings) -> bool:
    """Return whether the broker is another one than that of the backup, so that its topics are new."""
    with connect(settings, marts=None) as lake:
        known = landed_generations(lake)
    with closing(numbered_consumer(settings)) as kafka:
        return bool(recreated(known, kafka.topic_ids(names.LANDED_TOPICS)))


def _reach(manifest: Manifest, landed: Landed, verified: Verified, unseen: int, *, is_new: bool) -> list[str]:
    taken = f"{manifest.taken_at:%Y-%m-%d %H:%M:%S} UTC"
    lines = [f"the backup was taken at {taken}; the restored lake has {verified.rows:,} rows now"]
    until = manifest.landed_until
    if until is not None:
        lines.append(f"the last event in the backup arrived at {until:%Y-%m-%d %H:%M:%S} UTC")
    if not is_new:
        lines.append(f"the broker still had {landed.rows:,} later records, which have landed")
    elif until is not None:
        days = max(0.0, (datetime.now(UTC) - until) / timedelta(days=1))
        lines.append(
            f"the broker is new. Everything that arrived later is missing: about {manifest.events_a_day * days:,.0f} "
            f"events, if {manifest.events_a_day:,.0f} arrived a day as before. Ask the senders to send everything "
            "since then again, and then confirm each topic with './caf topics confirm'"
        )
        if manifest.unlanded is None or manifest.unlanded:
            lines.append(f"when the backup was taken, {_known(manifest.unlanded)} records had not landed yet")
    if verified.lost:
        lines.append(f"{verified.lost:,} offsets are known to be lost; './caf quarantine' lists them")
    if unseen:
        lines.append(
            f"{unseen:,} offsets between landed records had no row, and the broker cannot show them any more. Kafka's "
            "transactions use such offsets"
        )
    return lines


def _known(number: int | None) -> str:
    return "an unknown number of" if number is None else f"{number:,}"
