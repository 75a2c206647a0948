"""The program's version, which the package's metadata take from here."""

from __future__ import annotations

VERSION = "1.1.0"
