"""How each version's tables become the next one's; Alembic runs these."""

from __future__ import annotations
