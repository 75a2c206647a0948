"""A test that goes through a table, in one case, and says each row that fails."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, Final

import pytest

MAX_SHOWN: Final = 120  # characters of a value


def each(names: str | tuple[str, ...], rows: Iterable[Any]) -> Callable[[Any], Callable[..., None]]:
    """Call a test with each row of a table, and fail with all rows that fail.

    It is written as `pytest.mark.parametrize`, for tests whose rows need no fixtures of their own:
    those that a test asks for serve all rows.

    Args:
        names: The name of the argument that a row is, or the names of those that it has.
        rows: The table. A row may be a `pytest.param`; its id is shown if it fails.
    """
    keys = (names,) if isinstance(names, str) else names
    table = [_named(row, single=isinstance(names, str)) for row in rows]
    assert table, "an empty table tests nothing"

    def decorate(test: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(test)
        def every(*instance: object, **fixtures: object) -> None:
            __tracebackhide__ = True
            failures = []
            for name, values in table:
                row = dict(zip(keys, values, strict=True))
                try:
                    test(*instance, **fixtures, **row)
                except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001  it is reported
                    shown = ", ".join(f"{key}={_short(value)}" for key, value in row.items())
                    failures.append(f"{name}{shown}\n    {type(error).__name__}: {error}")
            if failures:
                total = f"{len(failures)} of {len(table)} rows fail:\n"
                pytest.fail(total + "\n".join(failures), pytrace=False)

        signature = inspect.signature(test)
        fixtures = [it for name, it in signature.parameters.items() if name not in keys]
        every.__signature__ = signature.replace(parameters=fixtures)  # type: ignore[attr-defined]
        return every

    return decorate


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= MAX_SHOWN else f"{shown[:MAX_SHOWN]}…"


def _named(row: Any, *, single: bool) -> tuple[str, tuple[Any, ...]]:
    """Return a row's id, for a failure, and its values."""
    name, values = "", row
    if hasattr(row, "marks"):  # a pytest.param
        name, values = f"{row.id}: " if row.id else "", row.values
        return name, tuple(values)
    return name, (values,) if single else tuple(values)
