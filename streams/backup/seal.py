"""
Encrypt the files of a backup with a key that only the owner of the key file has.

Each file is a random salt and a sequence of blocks. A key for this file alone is derived from the salt. Each block is
encrypted with AES-256-GCM. Its nonce holds the number of the block and whether it is the last one, and the name of the
file is authenticated with it. So nobody without the key can read a file, change it, cut it, or put it in the place of
another one.

Source: https://eprint.iacr.org/2015/189 (STREAM)
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from streams.errors import BackupInvalid, SettingInvalid
from streams.private import write_privately

__all__ = ["BLOCK", "ENCRYPTION", "Seal", "seal_of"]

BLOCK = 1 << 20
"""Bytes of one block before it is encrypted."""

ENCRYPTION = "encryption"
"""The file of a backup folder with the salt, and with a text by which the key is recognised."""
_PROOF = "the key of these backups"
_TAG = 16
_SALT = 16
_SHORTEST = 16
_SCRYPT = {"n": 2**15, "r": 8, "p": 1, "maxmem": 64 * 2**20, "dklen": 32}


class Seal:
    """
    Encrypts and decrypts the files of one backup folder.

    Args:
        text: the content of the key file.
        salt: the random bytes of the backup folder. They make guessing a passphrase slow and keep folders apart.
    """

    def __init__(self, text: bytes, salt: bytes) -> None:
        self._key = hashlib.scrypt(text, salt=salt, **_SCRYPT)

    def close(self, blocks: Iterable[bytes], name: str) -> Iterator[bytes]:
        """Encrypt the blocks of a file. All blocks but the last must have `BLOCK` bytes."""
        salt = os.urandom(_SALT)
        yield salt
        cipher, number, before = self._cipher(salt), 0, b""
        for number, block in enumerate(blocks):
            if number:
                yield cipher.encrypt(_nonce(number - 1, is_last=False), before, name.encode())
            before = block
        yield cipher.encrypt(_nonce(number, is_last=True), before, name.encode())

    def open(self, content: Iterable[bytes], name: str) -> Iterator[bytes]:
        """
        Decrypt a file. `content` comes in pieces of any length.

        Raises:
            BackupInvalid: the file was changed, or was encrypted with another key.
        """
        held = bytearray()
        cipher: AESGCM | None = None
        number, whole = 0, BLOCK + _TAG
        try:
            for piece in content:
                held += piece
                if cipher is None and len(held) >= _SALT:
                    cipher = self._cipher(bytes(held[:_SALT]))
                    del held[:_SALT]
                while cipher is not None and len(held) > whole:
                    yield cipher.decrypt(_nonce(number, is_last=False), bytes(held[:whole]), name.encode())
                    del held[:whole]
                    number += 1
            if cipher is None:
                raise InvalidTag
            yield cipher.decrypt(_nonce(number, is_last=True), bytes(held), name.encode())
        except InvalidTag:
            raise BackupInvalid(f"{name} was changed, or was encrypted with another key") from None

    def _cipher(self, salt: bytes) -> AESGCM:
        return AESGCM(HKDF(SHA256(), 32, salt, b"caf backup").derive(self._key))


def seal_of(folder: Path, key: Path | None, *, is_used: bool, makes: bool = False) -> Seal | None:
    """
    Return what encrypts the files of a backup folder; None if they are not encrypted, or if there are none yet.

    Args:
        key: the key file, if somebody names one.
        is_used: whether the folder has backups.
        makes: whether to write the salt of a folder that has no backups yet. Otherwise nothing is written.

    Raises:
        BackupInvalid: the key is missing, is not needed, or is not the one with which the backups were encrypted.
        SettingInvalid: the key file cannot be used.
    """
    file = folder / ENCRYPTION
    if key is None:
        if file.exists():
            raise BackupInvalid(f"the backups in {folder} are encrypted; name the key file in CAF_BACKUP_KEY")
        return None
    if key.resolve().is_relative_to(folder):
        raise BackupInvalid(f"the key {key} is in the folder that it protects; keep it elsewhere")
    text = _key_text(key)
    if file.exists():
        salt, _, proof = file.read_text().partition("\n")
        seal = Seal(text, bytes.fromhex(salt))
        try:
            b"".join(seal.open([bytes.fromhex(proof)], _PROOF))
        except BackupInvalid:
            raise BackupInvalid(f"the key in {key} does not open the backups in {folder}") from None
        return seal
    if is_used:
        raise BackupInvalid(f"the backups in {folder} are not encrypted; choose another folder for encrypted ones")
    return _new_seal(file, text) if makes else None


def _new_seal(file: Path, text: bytes) -> Seal:
    salt = os.urandom(_SALT)
    seal = Seal(text, salt)
    write_privately(file, f"{salt.hex()}\n{b''.join(seal.close([b''], _PROOF)).hex()}")
    return seal


def _key_text(file: Path) -> bytes:
    """
    Read a key file. It holds a random key or a passphrase.

    Raises:
        SettingInvalid: the file is missing or too short, or others may read it.
    """
    try:
        text, mode = file.read_bytes().strip(), file.stat().st_mode
    except OSError as error:
        raise SettingInvalid(f"the key file {file} cannot be read: {error.strerror}") from None
    if len(text) < _SHORTEST:
        raise SettingInvalid(
            f"the key in {file} is too short; allowed: {_SHORTEST} characters or more, for example from "
            "'openssl rand -hex 32'"
        )
    if mode & 0o077:
        raise SettingInvalid(f"other users of this machine may read the key; run: chmod 600 {file}")
    return text


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if is_last else b"\0")
