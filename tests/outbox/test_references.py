"""References, which people read out on the phone and type again."""

import base64
import hashlib

from webapp.outbox.rows import by_reference, reference


def test_reference_has_no_letter_that_looks_like_a_digit_and_is_found_however_it_is_typed() -> None:
    """In two groups, in small letters, with Persian digits, or as former versions wrote it."""
    persian = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
    for number in range(300):
        key = hashlib.sha256(str(number).encode()).hexdigest()
        name = reference(key)
        former = base64.b32encode(bytes.fromhex(key)[:5]).decode()
        assert len(name) == 8
        assert not set(name) & set("IO01")
        wanted = str(by_reference(name).compile().params)  # type: ignore[union-attr]
        assert key[:10] in wanted
        spellings = (former, name.lower(), f"{name[:4]} {name[4:]}", name.translate(persian))
        for typed in spellings:
            found = by_reference(typed)
            assert found is not None, typed
            assert str(found.compile().params) == wanted, typed
    assert by_reference("نام") is by_reference("K7QF") is None
