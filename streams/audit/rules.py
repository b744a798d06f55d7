"""Record that the watcher runs with other rules or thresholds than before."""

from contextlib import closing
from pathlib import Path

from streams.audit.entries import entry, this_user
from streams.audit.recorder import Recorder
from streams.contracts.codesets import AuditAction
from streams.settings import Settings

__all__ = ["record_rules"]

_SHOWN = 16


def record_rules(settings: Settings, checksum: str) -> None:
    """
    Record a change of the rules, or of a threshold, since the last watcher of this home.

    The first watcher of a home is recorded too, because the rules came into force with it.

    Args:
        checksum: the checksum of the project's rules and thresholds.

    Raises:
        AuditUnavailable: the change cannot be recorded.
    """
    known = settings.home / "audit" / "rules"
    if _read(known) == checksum:
        return
    with closing(Recorder(settings)) as recorder:
        recorder.record([entry(this_user(), AuditAction.RULES_CHANGED, checksum[:_SHOWN])])
    known.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    known.write_text(checksum)


def _read(known: Path) -> str | None:
    return known.read_text() if known.exists() else None
