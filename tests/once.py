"""A pytest plugin: what each test's app would make anew is made once in a process.

Every app has a Jinja environment, routes, stylesheets and an engine, and every test a database:
compiling the same templates, routes and statements, and running the same migrations, took half of
the time of the quick tests. What the tests themselves write to SQLite need not survive a power
failure: nothing waits for the disk. The processes that they start are as they are.
"""

import fcntl
import functools
import gc
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from werkzeug.routing import Rule

from webapp.database import engine, sqlite
from webapp.database.encryption import Encryption
from webapp.web import rendering

Builder = Callable[..., tuple[str, str]]
Migrate = Callable[[Engine, Encryption], None]


# As the product sets them; a test of them puts them back.
PRAGMAS = sqlite._PRAGMAS  # noqa: SLF001


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
    """Migrate the first new SQLite file, and copy it to those that follow."""
    template = b""
    lock = threading.Lock()

    @functools.wraps(migrate)
    def copied(opened: Engine, encryption: Encryption) -> None:
        nonlocal template
        path = engine._file(opened.url)  # noqa: SLF001
        with lock:
            is_new = path is not None and engine.is_unmade(path)
            if path and is_new and template:
                _fill(path, template)
        migrate(opened, encryption)
        if is_new and not template:
            with opened.connect() as connection:
                driver: Any = connection.connection.driver_connection
                template = driver.serialize()

    return copied


def _fill(path: Path, content: bytes) -> None:
    """Write an empty file, unless another process has done so."""
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if engine.is_unmade(path):
            file.write(content)


class _Statements(dict[Any, Any]):
    """Compiled statements, whichever engine's dialect they were compiled for first."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(key[1:], default)

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        super().__setitem__(key[1:], compiled)


def _sharing(create: Callable[..., Engine]) -> Callable[..., Engine]:
    """Let all engines for SQLite share their compiled statements."""
    options = {"compiled_cache": _Statements()}

    @functools.wraps(create)
    def sharing(url: Any, **arguments: Any) -> Engine:
        made = create(url, **arguments)
        if made.dialect.name == "sqlite":
            made.update_execution_options(**options)
        return made

    return sharing


def _minified_once(minify: Callable[[dict[str, bytes]], Any]) -> Callable[[dict[str, bytes]], Any]:
    """Make the stylesheets of all apps once."""
    made: dict[frozenset[tuple[str, bytes]], Any] = {}

    @functools.wraps(minify)
    def once(contents: dict[str, bytes]) -> Any:
        key = frozenset(contents.items())
        if key not in made:
            made[key] = minify(contents)
        return made[key]

    return once


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
    patch.setattr(engine, "_migrate", _copied(engine._migrate))  # noqa: SLF001
    patch.setattr(engine, "create_engine", _sharing(engine.create_engine))
    patch.setattr(sqlite, "_PRAGMAS", ("synchronous=OFF", *PRAGMAS[:1], *PRAGMAS[2:]))
    patch.setattr(rendering, "_stylesheets", _minified_once(rendering._stylesheets))  # noqa: SLF001
