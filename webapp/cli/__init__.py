"""The command `amoot-form`."""

from webapp.cli.commands import main

__all__ = ["main"]
