"""Parses spreadsheets in a process of its own: `python -m sheet_parser` in the folder above.

It imports no other module of this project, so that it starts fast and has little to lose.
"""

from __future__ import annotations
