"""Backups: everything the database holds at one moment, in one file that either engine can take in.

The invariant: a backup is of one snapshot, and a restore is whole or has not happened. What a file says of itself (how many rows, what they
add up to) is compared when it is read and again with what was restored.
"""

from deskhand.persistence.backup.archive import Archive, Manifest, check_archive
from deskhand.persistence.backup.making import back_up
from deskhand.persistence.backup.restoring import BackupNotEncrypted, TargetInUse, TargetNotEmpty, restore
from deskhand.persistence.backup.sealed import BackupLocked, BackupUnusable

__all__ = [
    "Archive",
    "BackupLocked",
    "BackupNotEncrypted",
    "BackupUnusable",
    "Manifest",
    "TargetInUse",
    "TargetNotEmpty",
    "back_up",
    "check_archive",
    "restore",
]
