"""A run of the chaos experiment: nothing lost, nothing twice, nobody's data left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from chaos import DATABASES, run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.slow, pytest.mark.nightly]


@pytest.mark.parametrize("database", DATABASES)
def test_nothing_is_lost_or_doubled_and_nothing_stays(database: str, tmp_path: Path) -> None:
    """Whatever fails, is killed or is sent twice."""
    report = run(database, tmp_path, submissions=600, import_rows=200, kills=0.4)
    assert (report.lost, report.twice, report.left) == (0, 0, 0), report
    assert report.accepted > 540
    assert report.imported == 200
    assert min(report.faulty_calls, report.workers_killed, report.deliverers_killed) > 0
    assert (report.database_crashes > 0) == (database == "postgresql")
