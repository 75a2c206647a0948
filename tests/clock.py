"""Time that passes when a test says so: in a module's clock, and in a database."""

import time
from datetime import timedelta

from sqlalchemy import DateTime, select, update

from webapp.database import Database
from webapp.database.engine import metadata


class FakeClock:
    """Stands for the module `time` in another module: `monkeypatch.setattr(module, "time", it)`.

    Attributes:
        slept: How long was slept in all, in seconds.
    """

    def __init__(self) -> None:
        """Start now."""
        self.slept = 0.0
        self._began = time.monotonic()

    def monotonic(self) -> float:
        """Return the time, in seconds."""
        return self._began + self.slept

    def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.slept += seconds


def elapse(database: Database, seconds: float) -> None:
    """Let time pass for all that a database holds: each of its times is so much earlier."""
    passed = timedelta(seconds=seconds)
    with database.write() as connection:
        for table in metadata.sorted_tables:
            times = [column.name for column in table.c if isinstance(column.type, DateTime)]
            for row in connection.execute(select(table)).mappings().all():
                earlier = {name: row[name] - passed for name in times if row[name] is not None}
                if earlier:
                    same = [column == row[column.name] for column in table.primary_key]
                    connection.execute(update(table).where(*same).values(earlier))
