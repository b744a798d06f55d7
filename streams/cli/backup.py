"""`./caf backup`: copy the lake and what people have entered into a folder, list the copies, and check them."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from streams.backup.check import check
from streams.backup.folder import BackupFolder, taken_at
from streams.backup.take import Taken, back_up
from streams.cli.lake import lake_settings
from streams.cli.recorded import record
from streams.contracts.codesets import AuditAction
from streams.errors import BackupInvalid, SettingInvalid
from streams.health.row import spell
from streams.settings import Settings

__all__ = ["command", "folder_of", "key_option", "tell"]

key_option = click.option(
    "--key",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File with the key or passphrase that encrypts the backups.  [default: CAF_BACKUP_KEY]",
)
_folder = click.argument("folder", required=False, type=click.Path(file_okay=False, path_type=Path))


class _TakesFirst(click.Group):
    """A group whose command `take` may be left out, as in `./caf backup FOLDER`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["take", *args]
        return super().parse_args(ctx, args)


@click.group("backup", cls=_TakesFirst)
def command() -> None:
    """
    Copy the lake and everything that people have entered into a folder, while everything runs.

    './caf backup FOLDER' makes a backup, './caf backup list FOLDER' lists the backups in a folder, and './caf backup
    verify FOLDER' checks them. './caf restore' makes a home from a backup.
    """


@command.command("take")
@_folder
@key_option
@click.option("--keep", type=click.IntRange(1), help="Remove the oldest backups until this many are left.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def take(folder: Path | None, key: Path | None, keep: int | None, as_json: bool) -> None:
    """
    Make a backup. './caf backup FOLDER' does the same.

    Without FOLDER, the backup goes into the folder that CAF_BACKUP names. Files of the lake that an earlier backup in
    the folder has are not copied again. A backup that was interrupted is removed by the next one.
    """
    backups = folder_of(Settings.from_env(), folder, key)
    settings = lake_settings()
    record(settings, AuditAction.BACKUP_MADE)
    taken = back_up(settings, backups, keep=keep, say=tell)
    click.echo(json.dumps(asdict(taken)) if as_json else _text(taken, backups))


@command.command("list")
@_folder
@key_option
def list_(folder: Path | None, key: Path | None) -> None:
    """List the whole backups in a folder, oldest first."""
    backups = folder_of(Settings.from_env(), folder, key)
    for name in backups.names():
        taken = taken_at(name)
        assert taken is not None, "names are times"
        try:
            manifest = backups.manifest(name)
        except BackupInvalid as error:
            click.echo(f"{name}  {error}")
            continue
        size = sum(file.size for file in manifest.files) / 1e6
        age = spell((datetime.now(UTC) - taken).total_seconds())
        click.echo(f"{name}  {age} old  {manifest.rows['events']:,} events  {size:,.1f} MB")


@command.command("verify")
@_folder
@key_option
def verify(folder: Path | None, key: Path | None) -> None:
    """Compare every file of all backups in a folder with its checksum. Exit code 1 if one is missing or altered."""
    checked = check(folder_of(Settings.from_env(), folder, key), tell)
    click.echo(
        f"{checked.backups} backups, {checked.files:,} files, {checked.bytes / 1e6:,.1f} MB are as they were made"
    )
    checked.raise_if_wrong()


def folder_of(settings: Settings, folder: Path | None, key: Path | None) -> BackupFolder:
    """
    Return the backup folder that a command or the settings name.

    Raises:
        BackupInvalid: the backups need another key.
        SettingInvalid: no folder is named, or the key file cannot be used.
    """
    if folder is None and not settings.backup:
        raise SettingInvalid("no folder is named; give FOLDER, or set CAF_BACKUP")
    key = key or (Path(settings.backup_key) if settings.backup_key else None)
    return BackupFolder(folder or Path(settings.backup), key)


def tell(sentence: str) -> None:
    """Write progress to stderr."""
    click.echo(sentence, err=True)


def _text(taken: Taken, backups: BackupFolder) -> str:
    lines = [
        f"backup {taken.name} in {backups.path}",
        f"{taken.events:,} events, {taken.files:,} files of the lake, {taken.bytes / 1e6:,.1f} MB",
        f"{taken.copied:,} new files, {taken.copied_bytes / 1e6:,.1f} MB, written in {taken.seconds:.1f} s",
    ]
    if taken.unlanded is None:
        lines.append("the broker did not answer, so nobody knows how many records had not landed yet")
    elif taken.unlanded:
        lines.append(f"{taken.unlanded:,} records had not landed yet, and are only on the broker until the next backup")
    lines += [f"removed: {name}" for name in taken.removed]
    return "\n".join(lines)
