"""Static files with a content hash in their URL, which browsers cache for a year."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from flask import request

if TYPE_CHECKING:
    from flask import Flask, Response

FOR_A_YEAR: Final = "max-age=31536000, immutable"
CACHE_FOR_A_YEAR: Final = f"public, {FOR_A_YEAR}"


def register(app: Flask) -> None:
    """Add `asset(name)` and `has_asset(name)` to the templates, and the caching headers."""
    folder = Path(str(app.static_folder))
    digests = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }

    def asset(name: str) -> str:
        # Not url_for, which fails on the error page for an untrusted host.
        return f"{app.static_url_path}/{name}?v={digests[name]}"

    def serve(response: Response) -> Response:
        if request.endpoint != "static":
            return response
        name = (request.view_args or {})["filename"]
        if request.args.get("v") == digests.get(name, ""):
            response.headers["Cache-Control"] = CACHE_FOR_A_YEAR
        return response

    app.jinja_env.globals.update(asset=asset, has_asset=digests.__contains__)
    app.after_request(serve)
