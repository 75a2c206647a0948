"""The grade of our headers by MDN's HTTP Observatory, behind nginx. Run as `make observatory`."""

from __future__ import annotations

import os
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from servers import NginxServer, free_port
from serving import serve

HERE = Path(__file__).parent
PAGES = ("/", "/f/signup", "/embed/signup", "/outbox", "/statistics")


def main() -> None:
    """Start the app in demo mode and nginx before it, and grade some pages."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        upstream = f"127.0.0.1:{free_port()}"
        nginx = NginxServer(folder, upstream)
        with serve(folder, BIND=upstream, PUBLIC_URL=nginx.url, TRUSTED_PROXIES="1"):
            nginx.start()
            with closing(nginx):
                for path in PAGES:
                    _grade(nginx, path)


def _grade(nginx: NginxServer, path: str) -> None:
    plain, safe = urlsplit(nginx.plain_url), urlsplit(nginx.url)
    where = [str(safe.hostname), str(plain.port), str(safe.port), path]
    environ = {**os.environ, "NODE_EXTRA_CA_CERTS": str(nginx.authority)}
    command = ["/usr/bin/env", "node", "observatory.mjs", *where]
    subprocess.run(command, cwd=HERE, env=environ, check=True)


if __name__ == "__main__":
    main()
