"""Encrypts personal data before it is stored, with keys derived from `SECRET_KEY`.

AES-256-GCM with a random nonce: a key is good for four billion texts. Each ciphertext is bound to
its column and its row, so none opens in another place. Beside it stands the id of its key, by which
rows under an older key are found, and rows that no key opens.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import ColumnElement

KEY_ID_LENGTH: Final = 8  # hexadecimal digits
HASH_LENGTH: Final = 32  # hexadecimal digits: 128 bits
DAMAGED: Final = ""  # in place of a key's id, once its key has not opened a ciphertext

_NONCE_LENGTH: Final = 12  # bytes, as NIST SP 800-38D recommends
# Without keys, what is stored can be read as long as this process runs.
_PROCESS_KEY: Final = secrets.token_hex()


class UnreadableText(Exception):
    """No key opens a ciphertext, or it is not the one that was stored there."""


@dataclass(frozen=True, slots=True)
class _Key:
    id: str
    cipher: AESGCM
    hash_key: bytes


class Encryption:
    """Encrypts with the newest key, and decrypts with all of them.

    Attributes:
        key_ids: The ids of the keys, newest first.
    """

    def __init__(self, secret_keys: Sequence[str] = ()) -> None:
        """Derive the keys from these, newest first; without any, from one of this process."""
        keys = [_derive_key(secret) for secret in secret_keys or (_PROCESS_KEY,)]
        self._newest = keys[0]
        self._keys = {key.id: key for key in keys}
        self.key_ids = tuple(self._keys)

    def encrypt(self, text: str, context: str) -> str:
        """Return the ciphertext of a text, in base64; it opens only in this context."""
        nonce = os.urandom(_NONCE_LENGTH)
        sealed = self._newest.cipher.encrypt(nonce, text.encode(), context.encode())
        return base64.b64encode(nonce + sealed).decode()

    def decrypt(self, ciphertext: str, key_id: str | None, context: str) -> str:
        """Return the text of a ciphertext.

        Raises:
            UnreadableText: if the key is unknown, or it does not fit.
        """
        try:
            cipher = self._keys[key_id or DAMAGED].cipher
            data = base64.b64decode(ciphertext, validate=True)
            nonce, sealed = data[:_NONCE_LENGTH], data[_NONCE_LENGTH:]
            return cipher.decrypt(nonce, sealed, context.encode()).decode()
        except (KeyError, InvalidTag, binascii.Error, ValueError):
            raise UnreadableText from None

    def hash(self, text: str) -> str:
        """Return the keyed hash of a text, by which equal ones are found."""
        return _hash(self._newest, text)

    def hashes(self, text: str) -> list[str]:
        """Return the hashes of a text by each key: rows under an older one are found, too."""
        return [_hash(key, text) for key in self._keys.values()]

    def is_readable(self, key_id: ColumnElement[Any]) -> ColumnElement[bool]:
        """Return the SQL condition that one of the keys has this id.

        An expression keeps SQLite off the index of ids, which nearly all rows have in common.
        """
        return (key_id + "").in_(self.key_ids)


def _derive_key(secret: str) -> _Key:
    def derive(label: str) -> bytes:
        return hmac.digest(secret.encode(), label.encode(), "sha256")

    key_id = derive("encryption at rest: id").hex()[:KEY_ID_LENGTH]
    return _Key(key_id, AESGCM(derive("encryption at rest")), derive("mobile hash"))


def _hash(key: _Key, text: str) -> str:
    return hmac.digest(key.hash_key, text.encode(), "sha256").hex()[:HASH_LENGTH]


def load_or_make_key(file: Path) -> str:
    """Return the key in a private file, which is made if there is none.

    Where no file can be made, nothing can be stored either, and the key lives in this process.
    """
    try:
        if not file.exists():
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile("w", dir=file.parent) as made:
                made.write(secrets.token_urlsafe())
                made.flush()
                with suppress(FileExistsError):  # another process was faster
                    file.hardlink_to(made.name)
        return file.read_text()
    except OSError:
        return _PROCESS_KEY
