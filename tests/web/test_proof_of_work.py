"""Proof of work: one right answer to our own challenge counts, once."""

import base64
import hmac
import itertools
import json
import time
from datetime import datetime
from typing import Any
from unittest.mock import Mock

import pytest
from altcha import create_challenge
from hypothesis import given
from hypothesis import strategies as st
from support import solved, written

from webapp.web.security import proof_of_work as proof_module
from webapp.web.security.proof_of_work import CLOCK_SKEW, LIFETIME, MAX_HASHES, ProofOfWork

FORM = "signup"

_keys = itertools.count()


def new_key() -> str:
    """Return the key of another submission."""
    return str(next(_keys))


class Ledger:
    """A simulator for the durable store of spent challenges."""

    def __init__(self) -> None:
        """Start with none spent."""
        self.used_proofs: dict[str, tuple[datetime, str]] = {}

    def consume(self, challenge_id: str, until: datetime, key: str) -> bool:
        """Note an id; true the first time, and for the submission that came first."""
        self.used_proofs.setdefault(challenge_id, (until, key))
        return self.used_proofs[challenge_id][1] == key


@pytest.fixture(scope="module", autouse=True)
def _easy() -> Any:
    """Ask for little work: how much is the browser's matter."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proof_module, "MAX_HASHES", 50)
        yield


@pytest.fixture
def ledger() -> Ledger:
    """Return an empty store."""
    return Ledger()


@pytest.fixture
def proof_of_work(ledger: Ledger) -> ProofOfWork:
    """Return proofs with one key."""
    return ProofOfWork(["key"], consume=ledger.consume)


def test_an_answer_counts_once(proof_of_work: ProofOfWork, ledger: Ledger) -> None:
    """However often it is sent; its challenge's id is kept for longer than it could be used."""
    before = time.time()
    answer = written(solved(proof_of_work.challenge(form=FORM)))
    assert [proof_of_work.is_solved(answer, form=FORM, key=new_key()) for _ in range(3)] == [
        True,
        False,
        False,
    ]
    ((until, _),) = ledger.used_proofs.values()
    assert until.utcoffset() is not None
    assert until.timestamp() > before + LIFETIME.total_seconds()


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda answer: written(dict(reversed(answer.items()))),
        lambda answer: written(answer | {"more": 1}),
        lambda answer: written(answer)[:8] + "\n-*" + written(answer)[8:],
        lambda answer: written(answer).rstrip("=") + "====",
    ],
)
def test_same_answer_written_otherwise_is_still_the_same(
    proof_of_work: ProofOfWork, rewrite: Any
) -> None:
    """Base64 and JSON have many spellings; the challenge is one."""
    answer = solved(proof_of_work.challenge(form=FORM))
    assert proof_of_work.is_solved(written(answer), form=FORM, key=new_key())
    assert not proof_of_work.is_solved(rewrite(answer), form=FORM, key=new_key())


def test_challenge_fits_into_an_attribute_and_says_what_the_solver_needs(
    proof_of_work: ProofOfWork,
) -> None:
    """ASCII without line breaks; the worker knows this one kind of sum."""
    text = proof_of_work.challenge(form=FORM)
    assert text.isascii()
    assert text.isprintable()
    asked = json.loads(text)["parameters"]
    assert (asked["algorithm"], asked["cost"], asked["keyLength"]) == ("SHA-256", 1, 32)
    assert [len(asked[name]) for name in ("salt", "nonce", "keyPrefix")] == [32, 32, 32]
    assert len(written(solved(proof_of_work.challenge(form="x" * 40)))) <= 1000


def test_answer_is_good_for_its_submission_sent_again(proof_of_work: ProofOfWork) -> None:
    """A double click does not use its own proof up."""
    answer = written(solved(proof_of_work.challenge(form=FORM)))
    assert [proof_of_work.is_solved(answer, form=FORM, key=key) for key in "aaba"] == [1, 1, 0, 1]


def test_work_is_as_much_as_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    """The number asked for is drawn from the whole range."""
    drawn: list[int] = []
    monkeypatch.setattr(proof_module, "MAX_HASHES", MAX_HASHES)
    monkeypatch.setattr(proof_module.secrets, "randbelow", lambda most: drawn.append(most) or 7)
    own = ProofOfWork(["key"], consume=lambda *_: True)
    assert solved(own.challenge(form=FORM))["solution"]["counter"] == 7
    assert drawn == [100_000]


def test_answer_for_another_form_is_refused_and_not_used(
    proof_of_work: ProofOfWork, ledger: Ledger
) -> None:
    """The signature holds the form."""
    answer = written(solved(proof_of_work.challenge(form="other")))
    assert not proof_of_work.is_solved(answer, form=FORM, key=new_key())
    assert not ledger.used_proofs
    assert proof_of_work.is_solved(answer, form="other", key=new_key())


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("parameters", "algorithm", "SHA-512"),
        ("parameters", "cost", 0),
        ("parameters", "keyLength", 1),
        ("parameters", "keyPrefix", "00"),
        ("parameters", "keyPrefix", ""),
        ("parameters", "nonce", "0" * 32),
        ("parameters", "salt", "0" * 32),
        ("parameters", "expiresAt", 4_000_000_000),
        ("parameters", "expiresAt", None),
        ("parameters", "data", {"form": "other"}),
        ("parameters", "data", None),
        ("parameters", "keySignature", "00"),
        ("challenge", "signature", "0" * 64),
        ("challenge", "signature", ""),
        ("challenge", "signature", None),
        ("solution", "counter", 51),
        ("solution", "counter", -1),
        ("solution", "counter", "7"),
        ("solution", "derivedKey", "0" * 64),
        ("solution", "derivedKey", ""),
        # The library signs these like whole numbers, and fails when it counts with them.
        ("parameters", "keyLength", 32.0),
    ],
)
def test_changed_answer_is_refused_and_not_used(
    proof_of_work: ProofOfWork, ledger: Ledger, part: str, name: str, value: object
) -> None:
    """No part of it can be changed."""
    answer = solved(proof_of_work.challenge(form=FORM))
    parts = {
        "parameters": answer["challenge"]["parameters"],
        "challenge": answer["challenge"],
        "solution": answer["solution"],
    }
    right = written(answer)
    parts[part][name] = value
    assert not proof_of_work.is_solved(written(answer), form=FORM, key=new_key())
    assert not ledger.used_proofs
    assert proof_of_work.is_solved(right, form=FORM, key=new_key())


def test_another_challenges_solution_is_refused(proof_of_work: ProofOfWork) -> None:
    """A number solves the challenge that it was found for."""
    one, two = (solved(proof_of_work.challenge(form=FORM)) for _ in range(2))
    assert not proof_of_work.is_solved(
        written(one | {"solution": two["solution"]}), form=FORM, key=new_key()
    )


@pytest.mark.parametrize(("late", "counts"), [(-2, True), (2, False)])
def test_answer_counts_for_ten_minutes_and_what_clocks_may_be_apart(
    proof_of_work: ProofOfWork, monkeypatch: pytest.MonkeyPatch, late: int, *, counts: bool
) -> None:
    """Not a moment longer, by the server's clock."""
    answer = written(solved(proof_of_work.challenge(form=FORM)))
    lifetime = (LIFETIME + CLOCK_SKEW).total_seconds()
    now = time.time() + lifetime + late
    monkeypatch.setattr(time, "time", lambda: now)
    assert lifetime == 15 * 60
    assert proof_of_work.is_solved(answer, form=FORM, key=new_key()) is counts


def test_rotated_key_still_counts_and_a_lost_one_does_not(ledger: Ledger) -> None:
    """The newest key signs, older ones are accepted."""
    old, both, new = (
        ProofOfWork(keys, consume=ledger.consume) for keys in (["old"], ["new", "old"], ["new"])
    )
    assert both.is_solved(written(solved(old.challenge(form=FORM))), form=FORM, key=new_key())
    assert new.is_solved(written(solved(both.challenge(form=FORM))), form=FORM, key=new_key())
    assert not new.is_solved(written(solved(old.challenge(form=FORM))), form=FORM, key=new_key())


def test_rotated_key_gives_no_second_chance(ledger: Ledger) -> None:
    """What was spent under the old key stays spent."""
    old, both = (ProofOfWork(keys, consume=ledger.consume) for keys in (["old"], ["new", "old"]))
    answer = written(solved(old.challenge(form=FORM)))
    assert old.is_solved(answer, form=FORM, key=new_key())
    assert not both.is_solved(answer, form=FORM, key=new_key())


def test_application_key_signs_nothing_directly(proof_of_work: ProofOfWork) -> None:
    """The signing key is derived only for this purpose."""
    foreign = create_challenge(
        "SHA-256", 1, counter=1, data={"form": FORM}, expires_at=2**32, hmac_secret="key"
    )
    answer = written(solved(json.dumps(foreign.to_dict())))
    assert not proof_of_work.is_solved(answer, form=FORM, key=new_key())


def test_challenge_of_another_version_is_refused(proof_of_work: ProofOfWork) -> None:
    """One without an end would have to be remembered for ever."""
    own = hmac.digest(b"key", b"proof of work", "sha256")
    endless = create_challenge("SHA-256", 1, counter=1, data={"form": FORM}, hmac_secret=own)
    assert not proof_of_work.is_solved(
        written(solved(json.dumps(endless.to_dict()))), form=FORM, key=new_key()
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "\0",
        "سلام",
        "\ud800",
        "A" * 5,
        "A" * 1_000_000,
        written(None),
        written([]),
        written(7),
        written("challenge"),
        written({"challenge": None, "solution": None}),
        written({"challenge": [], "solution": []}),
        written({"challenge": {"parameters": "algorithm"}, "solution": {}}),
        written({"challenge": {"parameters": []}, "solution": {}}),
        base64.b64encode(b"\xff\xfe").decode(),
        base64.b64encode(b"[" * 1_400).decode(),
        base64.b64encode(b'{"a":' * 280).decode(),
        base64.b64encode(b"1" * 1_400).decode(),
        base64.b64encode(b"[" * 1_000_000).decode(),
    ],
    ids=range(20),
)
def test_rubbish_is_refused(proof_of_work: ProofOfWork, ledger: Ledger, text: str) -> None:
    """For any text, nothing is raised and nothing is stored."""
    assert not proof_of_work.is_solved(text, form=FORM, key=new_key())
    assert not ledger.used_proofs


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)
_PATHS = [
    ("challenge",),
    ("solution",),
    ("challenge", "signature"),
    ("challenge", "parameters"),
    *(
        ("challenge", "parameters", name)
        for name in [
            *("algorithm", "cost", "data", "expiresAt", "keyLength", "keyPrefix", "keySignature"),
            *("memoryCost", "nonce", "parallelism", "salt"),
        ]
    ),
    ("solution", "counter"),
    ("solution", "derivedKey"),
]


@pytest.fixture(scope="module")
def right() -> tuple[ProofOfWork, str]:
    """Return proofs that forget, and a right answer."""
    own = ProofOfWork(["key"], consume=lambda *_: True)
    return own, json.dumps(solved(own.challenge(form=FORM)))


@given(path=st.sampled_from(_PATHS), value=_JSON)
def test_no_value_in_any_place_raises(
    right: tuple[ProofOfWork, str], path: tuple[str, ...], value: object
) -> None:
    """An answer with anything at all in one place is right or wrong, never an error."""
    own, answer = right[0], json.loads(right[1])
    place = answer
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    assert own.is_solved(written(answer), form=FORM, key=new_key()) in (True, False)


def test_failing_database_is_not_hidden() -> None:
    """An answer that could not be noted must not count, and the fault is the operator's to see."""
    fail = Mock(side_effect=OSError("full"))
    own = ProofOfWork(["key"], consume=fail)
    with pytest.raises(OSError, match="full"):
        own.is_solved(written(solved(own.challenge(form=FORM))), form=FORM, key=new_key())
