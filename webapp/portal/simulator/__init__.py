"""A simulator of the portal over real HTTP, for demo mode and tests."""

from webapp.portal.simulator.model import PROFILES
from webapp.portal.simulator.server import DEMO_TOKEN, Simulator, received, run

__all__ = ["DEMO_TOKEN", "PROFILES", "Simulator", "received", "run"]
