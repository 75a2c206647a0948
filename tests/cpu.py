"""A pytest plugin that measures what a run costs in processor time, which no busy machine changes.

`--cpu-report FILE` writes a line a test: its seconds in the process of the tests and in those that
it started, fixtures included, then its kind and its name; and prints the sums by kind. A server
that several tests share counts for the test during which it worked.
"""

import os
import resource
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PROPERTY: Final = "cpu"
_START: Final = "start and collection"


def _of_children(pid: int) -> float:
    """Return the seconds (s) of a process's descendants, those that have ended included.

    A process or thread may end at any moment while it is looked at.
    """
    seconds = 0.0
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                seconds += sum(map(_of_child, (task / "children").read_text().split()))
    return seconds


def _of_child(pid: str) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS + _of_children(int(pid))


def _spent() -> tuple[float, float]:
    """Return the seconds (s) of this process, and of those that it has started."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    children = ended.ru_utime + ended.ru_stime + _of_children(os.getpid())
    return own.ru_utime + own.ru_stime, children


def _kind(item: pytest.Item) -> str:
    """Return what a test runs beside the process of the tests."""
    path, name = item.path.as_posix(), item.name.lower()
    fixtures = set(getattr(item, "fixturenames", ()))
    if "firefox" in name or "webkit" in name or fixtures & {"firefox", "webkit"}:
        return "Firefox and WebKit"
    if "/browser/" in path or "browser" in fixtures:
        return "Chromium"
    if "libreoffice" in path:
        return "LibreOffice"
    if "postgres" in name or "postgres" in fixtures:
        return "PostgreSQL"
    if "/project/" in path:
        return "tools"
    return "processes" if item.get_closest_marker("slow") else "in process"


class _Measured:
    """What the processes of a run have measured."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._notes: list[tuple[float, float, str, str]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what came with the report of a test's last phase."""
        if report.when == "teardown":
            for key, value in report.user_properties:
                if key == _PROPERTY:
                    own, children, kind = str(value).split(" ", 2)
                    self._notes.append((float(own), float(children), kind, report.nodeid))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the table, and print the sums."""
        ordered = sorted(self._notes, key=lambda note: -note[0] - note[1])
        self._path.parent.mkdir(exist_ok=True)
        self._path.write_text(
            "".join(f"{own:.2f}\t{of:.2f}\t{kind}\t{name}\n" for own, of, kind, name in ordered)
        )
        sums: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
        for own, children, kind, _ in self._notes:
            for of in (kind, "all"):
                sums[of] = [a + b for a, b in zip(sums[of], (1, own, children), strict=True)]
        terminalreporter.section("processor time")
        for kind, (count, own, children) in sorted(sums.items(), key=lambda one: sum(one[1][1:])):
            terminalreporter.write_line(
                f"{own + children:7.1f} s  {kind}: {count} tests,"
                f" {own:.1f} s in their process, {children:.1f} s in others"
            )


# What had been spent when the former test ended; the first test's line follows that of the start.
_last = (0.0, 0.0)


def _note(item: pytest.Item, kind: str) -> None:
    """Note what was spent since the last note."""
    global _last  # noqa: PLW0603  a sum of the process
    now = _spent()
    # A killed process takes what its own children have cost with it: that was noted before.
    own, children = (max(a - b, 0.0) for a, b in zip(now, _last, strict=True))
    _last = now
    item.user_properties.append((_PROPERTY, f"{own} {children} {kind}"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Note what the start has cost, and the collection, which each process does."""
    if _last == (0.0, 0.0) and item.config.getoption("cpu_report"):
        _note(item, _START)
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Add what a test has cost to the report of its last phase."""
    if call.when == "teardown" and item.config.getoption("cpu_report"):
        _note(item, _kind(item))
    return (yield)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option."""
    parser.addoption("--cpu-report", metavar="FILE", help="write what each test costs")


def pytest_configure(config: pytest.Config) -> None:
    """Gather the measurements in the process that reports."""
    path = config.getoption("cpu_report")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Measured(Path(path)))
