"""Fixtures: an outbox whose submissions are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from counted import CountedOutbox
from outbox_entries import TIMING

if TYPE_CHECKING:
    from webapp.database import Database


@pytest.fixture
def outbox(database: Database) -> CountedOutbox:
    """Return an empty outbox."""
    return CountedOutbox(database, TIMING)
