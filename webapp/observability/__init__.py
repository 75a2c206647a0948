"""Logs, metrics and request ids: what a person sees of a running server."""
