"""A simulator of the portal over real HTTP, for demo mode and tests."""

from __future__ import annotations

from webapp.demo.faults import PROFILES
from webapp.demo.model import DEMO_NUMBERS
from webapp.demo.server import DEMO_TOKEN, Simulator, received, run, sent_codes

__all__ = ["DEMO_NUMBERS", "DEMO_TOKEN", "PROFILES", "Simulator", "received", "run", "sent_codes"]
