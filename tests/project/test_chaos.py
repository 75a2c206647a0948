"""A short run of the chaos experiment: nothing lost, nobody's data left, twice only if told."""

from pathlib import Path

import pytest
from chaos import run

pytestmark = [pytest.mark.slow, pytest.mark.nightly]


@pytest.mark.parametrize(
    ("database", "profile"), [("sqlite", "search-refused"), ("postgresql", "old")]
)
def test_nothing_is_lost_or_stays_and_what_is_twice_is_told(
    database: str, profile: str, tmp_path: Path
) -> None:
    """Whatever fails, is killed or is sent twice; a token may be one that is not to search."""
    report = run(database, tmp_path, profile=profile, submissions=200, import_rows=100, kills=0.4)
    assert report.is_clean, report
    assert profile == "search-refused" or report.duplicated == 0  # chance decides whether any is
    assert report.accepted > 180
    assert report.imported == 100
    assert min(report.faulty_calls, report.workers_killed, report.deliverers_killed) > 0
    assert (report.database_crashes > 0) == (database == "postgresql")
