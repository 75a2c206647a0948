"""A simulator of the portal over real HTTP, for demo mode and tests."""

from webapp.portal.simulator.profiles import PROFILES
from webapp.portal.simulator.records import received, sent_codes
from webapp.portal.simulator.server import DEMO_TOKEN, Simulator, run

__all__ = ["DEMO_TOKEN", "PROFILES", "Simulator", "received", "run", "sent_codes"]
