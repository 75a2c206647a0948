"""How the fields of a form share the rows of a wide page."""

from itertools import product

from webapp.forms import fill_rows, spans


def rows(found: list[int]) -> list[list[int]]:
    """Put fields into rows of six columns, as the browser does."""
    filled: list[list[int]] = [[]]
    for span in found:
        if sum(filled[-1]) + span > 6:
            filled.append([])
        filled[-1].append(span)
    return filled


def test_every_row_is_full_whatever_the_fields_are() -> None:
    """Up to nine fields, each narrow or wide."""
    forms = [form for count in range(1, 10) for form in product((False, True), repeat=count)]
    holes = [form for form in forms if any(sum(row) != 6 for row in rows(spans(form)))]
    assert holes == []


def test_wide_field_takes_more_than_its_neighbours() -> None:
    """It takes a row, or what one narrow field leaves."""
    assert spans([False, False, False, False, False, True]) == [2, 2, 2, 3, 3, 6]
    assert spans([False, True]) == [2, 4]
    assert spans([False] * 4) == [3, 3, 3, 3]


def test_row_of_two_columns_is_full_whatever_the_fields_are() -> None:
    """A narrow field without a neighbour takes the row; one that has a neighbour does not."""
    forms = [form for count in range(1, 10) for form in product((False, True), repeat=count)]
    for form in forms:
        found = fill_rows(form)
        assert all(takes for wide, takes in zip(form, found, strict=True) if wide)
        assert all(sum(row) == 6 for row in rows([6 if takes else 3 for takes in found]))
    assert fill_rows([False, False, True, False]) == [False, False, True, True]
    assert fill_rows([False, False, False]) == [False, False, True]
