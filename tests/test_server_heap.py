"""The memory of the server: of many threads, and of what a worker needs only once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# Each thread holds what it has allocated until all have. A heap of glibc's beside the first one
# begins at a multiple of 64 MB, and reserves as much.
_PROGRAM = """
import platform, re, sys, threading
from webapp.server import share_heap
if platform.libc_ver()[0] != "glibc":
    sys.exit(77)
if sys.argv[1:] == ["shared"]:
    share_heap()
barrier = threading.Barrier(5)
def work():
    held = [bytes(2000 + number) for number in range(1000)]
    barrier.wait()
    barrier.wait()
    del held
for _ in range(4):
    threading.Thread(target=work).start()
barrier.wait()
maps = open("/proc/self/maps").read()
barrier.wait()
found = re.findall("(?m)^([0-9a-f]+)-([0-9a-f]+)", maps)
areas = [[int(end, 16) for end in area] for area in found]
ends = {end for _, end in areas}
print(sum(start % 2**26 == 0 and start + 2**26 in ends for start, _ in areas))
"""


def _heaps(*arguments: str) -> int:
    """Return how many heaps four threads of a new process have beside the first one."""
    command = [sys.executable, "-c", _PROGRAM, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    if ended.returncode == 77:
        pytest.skip("only glibc has several heaps")
    assert ended.returncode == 0, ended.stderr
    return int(ended.stdout)


@pytest.mark.slow
def test_threads_of_the_server_share_one_heap() -> None:
    """Without that, each has its own."""
    assert _heaps() > 0
    assert _heaps("shared") == 0


_WORKER = """
import sys
from types import SimpleNamespace
from webapp import create_app
from webapp.server import _post_worker_init
app = create_app()
_post_worker_init(SimpleNamespace(app=SimpleNamespace(wsgi=lambda: app)))
delivery = app.extensions["contact_form"].delivery
delivery.funnel.stop()
print(delivery.database.probe(), "alembic" in sys.modules)
"""


@pytest.mark.slow
def test_worker_that_makes_the_tables_does_not_keep_alembic(tmp_path: Path) -> None:
    """It takes 14 MB, until the process ends that has loaded it."""
    environ = {**os.environ, "STATE_DIRECTORY": str(tmp_path), "DELIVERER": "off"}
    command = [sys.executable, "-c", _WORKER]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, env=environ)
    assert ended.stdout == "True False\n"
