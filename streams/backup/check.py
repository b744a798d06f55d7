"""Check that a backup is whole: every file is there and has the content that it had when the backup was made."""

from collections.abc import Callable
from dataclasses import dataclass, field

from streams.backup.folder import BackupFolder
from streams.backup.manifest import File
from streams.errors import BackupInvalid

__all__ = ["Checked", "check"]

Say = Callable[[str], None]

_SHOWN = 10


@dataclass
class Checked:
    """The number of backups and of files that were read, their bytes, and a sentence for each thing that is wrong."""

    backups: int = 0
    files: int = 0
    bytes: int = 0
    wrong: list[str] = field(default_factory=list)

    def raise_if_wrong(self) -> None:
        """
        Raise an error if anything is wrong.

        Raises:
            BackupInvalid: a file is missing or was changed, or a manifest is damaged.
        """
        if self.wrong:
            more = len(self.wrong) - _SHOWN
            listed = "; ".join([*self.wrong[:_SHOWN], *([f"{more} more"] if more > 0 else [])])
            raise BackupInvalid(f"{listed}. Remove the damaged files: the next backup copies what the lake still has")


def check(folder: BackupFolder, say: Say) -> Checked:
    """
    Read all backups in a folder and compare them with their manifests. A file that several backups share is read once.

    Raises:
        BackupInvalid: there is no whole backup.
    """
    folder.chosen()
    checked, seen = Checked(), set[File]()
    for name in folder.names():
        say(f"Reading backup {name} …")
        try:
            manifest = folder.manifest(name)
        except BackupInvalid as error:
            checked.wrong.append(str(error))
            continue
        checked.backups += 1
        for file in manifest.files:
            if file in seen:
                continue
            seen.add(file)
            try:
                for _ in folder.fetch(file):
                    pass
            except BackupInvalid as error:
                checked.wrong.append(str(error))
            else:
                checked.files += 1
                checked.bytes += file.size
    return checked
