"""A test that goes through a table."""

import pytest
from tables import each


def test_rows_that_fail_are_said_with_their_values() -> None:
    """All of them, and no other."""

    @each(("typed", "read"), [("1", 1), ("x", 2), pytest.param("3", 4, id="an odd one")])
    def reads(typed: str, read: int) -> None:
        assert int(typed) == read, "another number"

    with pytest.raises(pytest.fail.Exception) as failure:
        reads()
    said = str(failure.value)
    assert said.startswith("2 of 3 rows fail:\ntyped='x', read=2\n    ValueError: ")
    assert "an odd one: typed='3', read=4\n    AssertionError: another number" in said
    assert "typed='1'" not in said


@each("row", [(1, 2)])
def test_row_with_one_name_is_one_argument(row: tuple[int, int], tmp_path: object) -> None:
    """Also if it is a tuple; what else the test asks for are fixtures."""
    assert row == (1, 2)
    assert tmp_path
