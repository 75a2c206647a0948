"""Proof of work: the browser computes it while a form is filled in; spam becomes expensive.

altcha signs the challenge and verifies the answer, but accepts an answer any number of times. Here,
each challenge is valid for one submission.
"""

from __future__ import annotations

import hmac
import json
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from altcha import Payload, create_challenge, verify_solution
from sqlalchemy import Column, DateTime, String, Table, delete, select

from webapp.database import Database
from webapp.database.engine import metadata

LIFETIME: Final = timedelta(minutes=10)
# Hashes for an answer at most; half as many on average.
MAX_HASHES: Final = 100_000
# From this share of the day's codes on, an answer becomes dearer; at most so many times as dear: a
# slow phone finds it before `proof.js` gives up.
_CHEAP_UNTIL: Final = 0.5
_MAX_FACTOR: Final = 4
# Three times what a solver sends; a longer answer is not decoded.
_MAX_ANSWER_LENGTH: Final = 2_000
# How far the clocks of machines may be apart: a challenge is valid for `LIFETIME` on a machine that
# is so far ahead, and for as much longer on one that is behind.
CLOCK_SKEW: Final = timedelta(minutes=5)


class ProofOfWork:
    """Issues challenges and verifies answers."""

    def __init__(
        self, keys: Sequence[str], *, consume: Callable[[str, datetime, str], bool]
    ) -> None:
        """Sign with the first key and accept all of them, so that keys can be rotated.

        Args:
            keys: The application's signing keys, newest first.
            consume: Records durably, until the given time, that the submission of this key has
                used this challenge; false if another submission has used it already.
        """
        # Derived keys: a signature made here is not valid for anything else.
        self._keys = [hmac.digest(key.encode(), b"proof of work", "sha256") for key in keys]
        self._consume = consume

    def challenge(self, *, form: str, codes_left: float = 1.0) -> str:
        """Return a fresh challenge, as JSON in ASCII for the solver.

        Args:
            form: The form's slug.
            codes_left: Which share of the day's codes is left, 0 to 1. The fewer there are, the
                dearer is an answer.
        """
        challenge = create_challenge(
            "SHA-256",
            cost=1,
            # The number to find has a limit: a random search would take some people very long.
            counter=secrets.randbelow(_max_hashes(codes_left)),
            expires_at=datetime.fromtimestamp(time.time(), UTC) + LIFETIME + CLOCK_SKEW,
            data={"form": form},
            hmac_secret=self._keys[0],
        )
        return json.dumps(challenge.to_dict(), separators=(",", ":"))

    def is_solved(self, answer: str, *, form: str, key: str) -> bool:
        """Return whether an answer is correct, and use its challenge for a submission.

        Args:
            answer: What the browser sent; any text.
            form: The form's slug.
            key: The submission's key. The challenge is valid for no other.

        Raises:
            DatabaseError: if the database fails.
        """
        if len(answer) > _MAX_ANSWER_LENGTH:
            return False
        try:
            payload = Payload.from_base64(answer)
            known = any(verify_solution(payload, key).verified for key in self._keys)
        # TypeError: altcha signs 32.0 like 32, and then cannot count with it.
        except (ValueError, KeyError, TypeError, RecursionError):
            return False
        parameters = payload.challenge.parameters
        if not known or parameters.data != {"form": form} or parameters.expires_at is None:
            return False
        until = datetime.fromtimestamp(parameters.expires_at, UTC) + CLOCK_SKEW
        # Last, so that only correct answers are stored. By the signed nonce: the same answer can be
        # encoded in several ways.
        return self._consume(parameters.nonce, until, key)


def _max_hashes(codes_left: float) -> int:
    factor = _CHEAP_UNTIL / codes_left if codes_left else _MAX_FACTOR
    return int(MAX_HASHES * min(_MAX_FACTOR, max(1.0, factor)))


_used_proofs: Final = Table(
    "spent",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("key", String(64), nullable=False, server_default=""),
    Column("until", DateTime, nullable=False),
)


class UsedProofs:
    """The table of used proofs, named `spent` in the database."""

    def __init__(self, database: Database) -> None:
        """Use the table in this database."""
        self._database = database

    def consume(self, name: str, until: datetime, key: str) -> bool:
        """Record that a submission uses a proof; return whether it may.

        Args:
            name: The name of the proof.
            until: How long to remember it at least.
            key: The submission's key; the same submission, sent again, may use its proof again.

        Raises:
            DatabaseError: if the database fails.
        """
        expires = until.astimezone(UTC).replace(tzinfo=None)
        used = _used_proofs.c
        insert = self._database.insert_or_ignore(_used_proofs, name=name, key=key, until=expires)
        with self._database.write() as connection:
            connection.execute(delete(_used_proofs).where(used.until < self._database.now_plus()))
            if connection.execute(insert).first():
                return True
            user = connection.execute(select(used.key).where(used.name == name)).scalar()
            return bool(user == key)
