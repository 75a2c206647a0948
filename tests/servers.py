"""Servers that tests and benchmarks start for themselves: Redis, PostgreSQL and nginx."""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, LiteralString

import psycopg
import pytest
import redis
import trustme
from psycopg import sql

_SECONDS = 30  # how long PostgreSQL and nginx may take to start or to stop
_STOP = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class RedisServer:
    """A Redis server on a free port of loopback and on a Unix socket, which keeps nothing."""

    def __init__(self, folder: Path, *options: str) -> None:
        """Start it, in this folder, with these options besides."""
        found = shutil.which("redis-server")
        if found is None:
            pytest.fail("redis-server is missing: install Debian's package redis-server.")
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.socket = folder / "redis.sock"
        self._command = [found, "--save", "", "--appendonly", "no", "--dir", str(folder)]
        self._command += ["--port", str(self.port), "--bind", "127.0.0.1"]
        self._command += ["--unixsocket", str(self.socket), *options]
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        with redis.Redis(port=self.port) as client:
            for _ in range(200):
                with contextlib.suppress(redis.ConnectionError):
                    client.ping()
                    return
                time.sleep(0.02)
        pytest.fail("redis-server did not start.")

    def kill(self) -> None:
        """End at once."""
        self._process.kill()
        self._process.wait()

    def hang(self) -> None:
        """Keep the connections and accept new ones, but answer nothing."""
        self._process.send_signal(signal.SIGSTOP)

    @property
    def content(self) -> str:
        """All that it holds."""
        with redis.Redis(port=self.port) as client:
            return repr({key: client.dump(key) for key in client.scan_iter()})


class PostgresServer:
    """A PostgreSQL cluster of its own, on a free port of loopback, open to whoever asks there."""

    def __init__(
        self, folder: Path, *, primary: PostgresServer | None = None, max_connections: int = 200
    ) -> None:
        """Make the cluster, and start it.

        Args:
            folder: Where its log goes. Its data has a folder of its own, which `close` removes.
            primary: The server whose asynchronous standby it is.
            max_connections: Its setting; killed processes leave theirs open for a moment.
        """
        self._max_connections = max_connections
        self.port = free_port()
        self._log = folder / "postgresql.log"
        self._account = _account()
        self._data = Path(tempfile.mkdtemp(prefix="postgresql-"))
        if self._account:
            shutil.chown(self._data, self._account["user"], self._account["group"])
        if primary:
            self._run("pg_basebackup", "--host=127.0.0.1", f"--port={primary.port}",
                      "--username=postgres", "--write-recovery-conf", "--checkpoint=fast",
                      "--no-sync", f"--pgdata={self._data}").wait()  # fmt: skip
        else:
            self._run("initdb", "--username=postgres", "--auth=trust", "--locale=C.UTF-8",
                      "--encoding=UTF8", "--no-sync", f"--pgdata={self._data}").wait()  # fmt: skip
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": self._max_connections,
        }
        settings = [f"--{name}={value}" for name, value in options.items()]
        self._process = self._run("postgres", "-D", str(self._data), *settings)
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(psycopg.OperationalError):
                self._connect().close()
                return
            time.sleep(0.05)
        pytest.fail("PostgreSQL did not start:\n" + self._log.read_text())

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop it; `immediate` is a crash: it recovers at its next start."""
        self._process.send_signal(_STOP[mode])
        self._process.wait(_SECONDS)

    def close(self) -> None:
        """Stop it, and remove its data."""
        self.stop("immediate")
        shutil.rmtree(self._data)

    def execute(self, statement: LiteralString) -> Any:
        """Run a statement, in no transaction; return the first value of its result, if any."""
        with self._connect() as connection:
            cursor = connection.execute(statement)
            row = cursor.fetchone() if cursor.description else None
        return row and row[0]

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database, as SQLAlchemy spells it."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def create(self, name: str, *, template: str = "template1") -> str:
        """Make a database, fresh if there was one of this name; return its address.

        Args:
            name: Its name.
            template: The database that it is a copy of; nobody may be connected to it.
        """
        of, copied = sql.Identifier(name), sql.Identifier(template)
        with self._connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(of))
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(of, copied))
        return self.url(name)

    def empty(self, name: str) -> None:
        """Remove all rows of a database but those that the migrations made, and whoever uses it.

        A copy of an empty database takes twenty times as long.
        """
        with self._connect(name) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid != pg_backend_pid()"
            )
            tables = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                " AND tablename NOT IN ('alembic_version', 'database_state')"
            )
            for (table,) in tables.fetchall():
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            connection.execute("UPDATE database_state SET server = NULL")

    def files(self) -> Path:
        """Return the folder of its data."""
        return self._data

    def _connect(self, database: str = "postgres") -> psycopg.Connection:
        address = {"host": "127.0.0.1", "port": self.port, "connect_timeout": 5}
        return psycopg.connect(**address, user="postgres", dbname=database, autocommit=True)

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [find_program(program), *arguments],
                cwd=self._data,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
                stdout=log,
                stderr=log,
                **self._account,
            )


class PgBouncerServer:
    """A PgBouncer in transaction mode, before a PostgreSQL: two connections for all clients."""

    def __init__(self, folder: Path, server: PostgresServer) -> None:
        """Start it, on a free port of loopback.

        Args:
            folder: Where its log goes.
            server: The PostgreSQL.
        """
        self.port = free_port()
        self._log = folder / "pgbouncer.log"
        self._folder = Path(tempfile.mkdtemp(prefix="pgbouncer-"))
        account = _account()
        config = self._folder / "pgbouncer.ini"
        config.write_text(_PGBOUNCER.format(server=server.port, port=self.port))
        if account:
            shutil.chown(self._folder, account["user"], account["group"])
            shutil.chown(config, account["user"], account["group"])
        found = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
        if found is None:
            pytest.fail("PgBouncer is missing: `make test` installs Debian's package `pgbouncer`.")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([found, str(config)], stderr=log, **account)
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port), timeout=_SECONDS).close()
                return
            time.sleep(0.02)
        pytest.fail("PgBouncer did not start:\n" + self._log.read_text())

    def url(self, database: str) -> str:
        """Return the address of a database, as SQLAlchemy spells it."""
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{database}"

    def close(self) -> None:
        """Stop it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(_SECONDS)
        shutil.rmtree(self._folder)


_PGBOUNCER = """
[databases]
* = host=127.0.0.1 port={server} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 2
"""


class NginxServer:
    """An nginx with our own `deploy/nginx.conf`, on free ports of loopback, before these servers.

    Attributes:
        url: Its address, which is also its PUBLIC_URL.
        plain_url: The one without TLS.
        authority: The file with the certificate that clients have to trust.
        config: Its configuration.
        folder: Where it keeps its files.
    """

    def __init__(self, folder: Path, *upstreams: str) -> None:
        """Write the configuration and a certificate; `start` it when the servers are known.

        Args:
            folder: Where its files go.
            upstreams: The servers, each as `host:port`.
        """
        ports = {80: free_port(), 443: free_port()}
        self.url = f"https://127.0.0.1:{ports[443]}"
        self.plain_url = f"http://127.0.0.1:{ports[80]}"
        self.folder = folder
        self.authority = folder / "authority.pem"
        self.config = folder / "nginx.conf"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.authority)
        authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
            folder / "certificate.pem"
        )
        (folder / "site.conf").write_text(_site(folder, ports, upstreams))
        self.config.write_text(_NGINX.format(folder=folder))
        self.command = [
            shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
            or pytest.fail("nginx is missing: `make test` installs Debian's package `nginx`."),
            *("-p", str(folder), "-c", str(self.config), "-e", str(folder / "start.log")),
        ]

    def start(self) -> None:
        """Start, and wait until it accepts connections."""
        self._process = subprocess.Popen(self.command)
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError):
                self.connect().close()
                return
            time.sleep(0.02)
        pytest.fail("nginx did not start:\n" + (self.folder / "start.log").read_text())

    def connect(self, *, alpn: Sequence[str] = (), sender: str = "127.0.0.1") -> ssl.SSLSocket:
        """Open a connection with TLS from this address of loopback."""
        context = ssl.create_default_context(cafile=self.authority)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        address = ("127.0.0.1", int(self.url.rpartition(":")[2]))
        plain = socket.create_connection(address, timeout=_SECONDS, source_address=(sender, 0))
        return context.wrap_socket(plain, server_hostname="127.0.0.1")

    def close(self) -> None:
        """Stop it."""
        self._process.terminate()
        self._process.wait(_SECONDS)


# What Debian's own nginx.conf says around ours, as far as it matters, in a folder of the test's.
_NGINX = """
daemon off;
master_process off; # nor another user, who could not read the folder
pid {folder}/nginx.pid;
events {{ worker_connections 768; }}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    scgi_temp_path {folder}/scgi;
    uwsgi_temp_path {folder}/uwsgi;
    default_type application/octet-stream;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3;
    gzip on;
    access_log {folder}/everything.log;
    include {folder}/site.conf;
}}
"""


def _site(folder: Path, ports: Mapping[int, int], upstreams: Sequence[str]) -> str:
    """Return `deploy/nginx.conf` with other addresses, names and files, and no other change."""
    text = (Path(__file__).parent.parent / "deploy" / "nginx.conf").read_text()
    servers = "\n".join(f"server {address} max_fails=0;" for address in upstreams)
    changes = {
        "server 127.0.0.1:8000 max_fails=0;": servers,
        "listen [::]:80;": "",
        "listen [::]:443 ssl http2;": "",
        "listen 80;": f"listen 127.0.0.1:{ports[80]};",
        "listen 443 ssl": f"listen 127.0.0.1:{ports[443]} ssl",
        "/etc/letsencrypt/live/form.example.ir/fullchain.pem": f"{folder}/certificate.pem",
        "/etc/letsencrypt/live/form.example.ir/privkey.pem": f"{folder}/certificate.pem",
        "/var/log/nginx/": f"{folder}/",
        "/var/www/html": str(folder),
        "server_name form.example.ir;": "server_name 127.0.0.1;",
        "allow 127.0.0.0/8;": "allow 127.0.0.1;",
        "https://$server_name$request_uri": f"https://$server_name:{ports[443]}$request_uri",
    }
    for old, new in changes.items():
        assert old in text, f"deploy/nginx.conf lacks {old}"
        text = text.replace(old, new)
    return text


def free_port() -> int:
    """Return a free port of loopback that stays free while its server is down.

    It lies below those that the system gives to clients.
    """
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000)  # whatever the seed of the run
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port


def _account() -> dict[str, Any]:
    """Say as whom PostgreSQL runs, which refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def find_program(program: str) -> str:
    """Return the path of a program of PostgreSQL; Debian keeps them off the PATH."""
    installed: Sequence[Path] = sorted(
        Path("/usr/lib/postgresql").glob(f"*/bin/{program}"), key=lambda path: float(path.parts[-3])
    )
    found = shutil.which(program) or (installed and str(installed[-1]))
    return found or pytest.fail(
        "PostgreSQL is missing: `make test` installs Debian's package `postgresql`."
    )
