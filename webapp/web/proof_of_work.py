"""Proof of work: a sum a browser does while a form is filled in, and a spammer a million times.

altcha signs the challenge and checks the answer. It accepts the same answer again and again; here
each challenge is good for one submission.
"""

from __future__ import annotations

import hmac
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from altcha import Payload, create_challenge, verify_solution

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LIFETIME: Final = timedelta(minutes=10)
# How many hashes an answer takes at most; half as many on average.
MOST: Final = 100_000
# Three times what a solver sends; what is longer is not even decoded.
_LONGEST: Final = 2_000
# A machine whose clock is slow still accepts a challenge that another holds for expired.
_CLOCKS_DIFFER: Final = timedelta(minutes=5)


class ProofOfWork:
    """Issues challenges and checks their answers."""

    def __init__(
        self, keys: Sequence[str], *, consume: Callable[[str, datetime, str], bool]
    ) -> None:
        """Sign with the first key and accept all of them, so that keys can be rotated.

        Args:
            keys: The application's signing keys, newest first.
            consume: Records durably, until the given time, that the submission of this key has
                used this challenge; false if another submission has used it already.
        """
        # A key of its own: no signature made here can pass for another of the application's.
        self._keys = [hmac.digest(key.encode(), b"proof of work", "sha256") for key in keys]
        self._consume = consume

    def challenge(self, *, form: str) -> str:
        """Return a fresh challenge for the form of this slug, as JSON in ASCII for the solver."""
        challenge = create_challenge(
            "SHA-256",
            cost=1,
            # One certain number is asked for, below a limit: luck would make a few wait very long.
            counter=secrets.randbelow(MOST),
            expires_at=datetime.now(UTC) + LIFETIME,
            data={"form": form},
            hmac_secret=self._keys[0],
        )
        return json.dumps(challenge.to_dict(), separators=(",", ":"))

    def is_solved(self, answer: str, *, form: str, key: str) -> bool:
        """Whether this is a right answer to a challenge of this form; spends it.

        Args:
            answer: What the browser sent. No text raises an error; only a failing store does.
            form: The form's slug.
            key: The submission: the only one that the answer is good for.
        """
        if len(answer) > _LONGEST:
            return False
        try:
            payload = Payload.from_base64(answer)
            known = any(verify_solution(payload, key).verified for key in self._keys)
        # TypeError from either: altcha signs 32.0 as it signs 32, and then cannot count with it.
        except (ValueError, KeyError, TypeError, RecursionError):
            return False
        asked = payload.challenge.parameters
        if not known or asked.data != {"form": form} or asked.expires_at is None:
            return False
        until = datetime.fromtimestamp(asked.expires_at, UTC) + _CLOCKS_DIFFER
        # Last, so that nothing is stored of what was not worked for. By the signed nonce, because
        # the same answer can be written in many ways.
        return self._consume(asked.nonce, until, key)
