"""An outbox whose rows are counted, as the app connects it with the statistics."""

from webapp.database import Database
from webapp.outbox import Outbox
from webapp.outbox.rows import Timing
from webapp.statistics import Statistics


class CountedOutbox(Outbox):
    """An outbox, and the counts by day that outlive its rows."""

    def __init__(self, database: Database, timing: Timing) -> None:
        """Use the tables in this database."""
        super().__init__(database, timing)
        self.statistics = Statistics(database)
        self.on_purge.append(self.statistics.add)
