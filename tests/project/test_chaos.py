"""A short run of the chaos experiment: nothing lost, nobody's data left, twice only if told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from chaos import DATABASES, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("database", DATABASES)
def test_nothing_is_lost_or_doubled_and_nothing_stays(database: str, tmp_path: Path) -> None:
    """Whatever fails, is killed or is sent twice."""
    report = run(database, tmp_path, submissions=200, import_rows=100, kills=0.4)
    assert report.is_clean, report
    assert report.accepted > 180
    assert report.imported == 100
    assert min(report.faulty_calls, report.workers_killed, report.deliverers_killed) > 0
    assert (report.database_crashes > 0) == (database == "postgresql")
