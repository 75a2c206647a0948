"""Fixtures: an outbox whose submissions are counted."""

import pytest
from counted import CountedOutbox
from outbox_entries import TIMING

from webapp.database import Database


@pytest.fixture
def outbox(database: Database) -> CountedOutbox:
    """Return an empty outbox."""
    return CountedOutbox(database, TIMING)
