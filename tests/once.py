"""A pytest plugin: what each test's app would make anew is made once in a process.

Every app has a Jinja environment and routes, and every test a database: compiling the same
templates and routes and running the same migrations took half of the time of the quick tests.
"""

from __future__ import annotations

import functools
import gc
from typing import TYPE_CHECKING, Any

import pytest
from flask import Flask
from jinja2 import BytecodeCache
from sqlalchemy import inspect
from werkzeug.routing import Rule

from webapp.database import engine

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2 import Environment
    from jinja2.bccache import Bucket
    from sqlalchemy import Connection

    from webapp.database.encryption import Encryption

    Builder = Callable[..., tuple[str, str]]
    Migrate = Callable[[Connection, Encryption], None]

_OF_TRANSACTIONS = ("BEGIN TRANSACTION;", "COMMIT;")


class MemoryCache(BytecodeCache):
    """Compiled templates by the name of the template and the checksum of its source."""

    def __init__(self) -> None:
        """Start empty."""
        self._compiled: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Return what an earlier app compiled."""
        bucket.code = self._compiled.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep what this app compiled."""
        self._compiled[bucket.key, bucket.checksum] = bucket.code


def _with_cache(create: Callable[[Flask], Environment]) -> Callable[[Flask], Environment]:
    cache = MemoryCache()

    @functools.wraps(create)
    def cached(app: Flask) -> Environment:
        environment = create(app)
        environment.bytecode_cache = cache
        return environment

    return cached


def _kept(compile_builder: Callable[[Rule, bool], Builder]) -> Callable[[Rule, bool], Builder]:
    """Compile the function that builds a route's addresses once; it takes the rule as its self."""
    compiled: dict[object, Builder] = {}

    @functools.wraps(compile_builder)
    def kept(rule: Rule, append_unknown: bool = True) -> Builder:  # noqa: FBT001, FBT002  Werkzeug's
        key = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)  # noqa: SLF001
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    return kept


def _copied(migrate: Migrate) -> Migrate:
    """Migrate the first empty SQLite database, and copy it to those that follow."""
    statements: list[str] = []

    @functools.wraps(migrate)
    def copied(connection: Connection, encryption: Encryption) -> None:
        if connection.dialect.name != "sqlite" or inspect(connection).get_table_names():
            migrate(connection, encryption)
        elif statements:
            for statement in statements:
                connection.exec_driver_sql(statement)
        else:
            migrate(connection, encryption)
            database: Any = connection.connection.driver_connection
            statements.extend(s for s in database.iterdump() if s not in _OF_TRANSACTIONS)

    return copied


def pytest_collection_finish() -> None:
    """Take what all tests share out of what the garbage collector looks at again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


def pytest_configure(config: pytest.Config) -> None:
    """Replace what makes them."""
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    patch.setattr(Flask, "create_jinja_environment", _with_cache(Flask.create_jinja_environment))
    patch.setattr(Rule, "_compile_builder", _kept(Rule._compile_builder))  # noqa: SLF001
    patch.setattr(engine, "run_migrations", _copied(engine.run_migrations))
