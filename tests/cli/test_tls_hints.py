"""What an operator reads when one side speaks TLS and the other one does not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
import trustme
from click.testing import CliRunner
from psycopg import OperationalError
from servers import PostgresServer, RedisServer, free_port
from support import SECRET, TOKEN

from webapp.cli import main
from webapp.observability import explain
from webapp.web.security import rate_limits
from webapp.web.security.rate_limits import redis_fault

PASSWORD: Final = "hunter2"
FAILED: Final = 'connection to server at "127.0.0.1", port 5432 failed: '
RULE: Final = 'FATAL:  no pg_hba.conf entry for host "::1", user "ali", database "d", '


@pytest.fixture
def redis_servers(tmp_path: Path) -> Iterator[tuple[int, int, Path]]:
    """Run a Redis; return its port, that of its TLS, and the file with its authority."""
    authority, port = trustme.CA(), free_port()
    issued = authority.issue_cert("127.0.0.1")
    files = {name: tmp_path / f"{name}.pem" for name in ("ca", "certificate", "key")}
    authority.cert_pem.write_to_path(files["ca"])
    issued.private_key_pem.write_to_path(files["key"])
    for part in issued.cert_chain_pems:
        part.write_to_path(files["certificate"], append=True)
    options = ["--tls-port", port, "--tls-auth-clients", "no", "--tls-ca-cert-file", files["ca"]]
    options += ["--tls-cert-file", files["certificate"], "--tls-key-file", files["key"]]
    server = RedisServer(tmp_path, *map(str, options))
    yield server.port, port, files["ca"]
    server.kill()


def test_refusals_of_postgresql_name_the_sslmode_to_set() -> None:
    """As libpq words them; without the user, the host and the database that it quotes."""
    cases = {
        "server does not support SSL, but SSL was required": "TLS_REFUSED: the server takes no",
        f"{RULE}no encryption": "28000 without TLS: the server does not let this user in without",
        f"{RULE}SSL encryption": "28000 with TLS: the server does not let this user in with TLS",
        f"{RULE}SSL encryption\n{FAILED}{RULE}no encryption": "28000: the server does not let",
        "SSL error: certificate verify failed": "CERTIFICATE_VERIFY_FAILED: the certificate is",
        'server certificate for "a" does not match host name "b"': "CERTIFICATE_VERIFY_FAILED",
        'root certificate file "/root.crt" does not exist': "CERTIFICATE_VERIFY_FAILED",
        'invalid sslmode value: "on"': "SSLMODE: this is no sslmode",
    }
    for said, told in cases.items():
        found = explain(OperationalError(FAILED + said))
        assert found.startswith(f"OperationalError {told}"), found
        assert not any(secret in found for secret in ("ali", "127.0.0.1", "::1"))


@pytest.mark.slow
def test_check_says_that_the_database_takes_no_tls(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The server's own words, read by the installed libpq."""
    address = postgres.url().replace("postgres@", f"postgres:{PASSWORD}@")
    monkeypatch.setenv("DATABASE_URL", f"{address}?sslmode=require")
    for name, value in (("AMOOT_TOKEN", TOKEN), ("SECRET_KEY", SECRET)):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AMOOT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path))
    result = CliRunner().invoke(main, ["check"])
    assert result.exit_code == 1
    assert "DATABASE_URL: OperationalError TLS_REFUSED: " in result.output
    assert PASSWORD not in result.output


@pytest.mark.slow
def test_server_that_requires_tls_is_distinguished_from_one_that_does_not_know_the_user(
    postgres: PostgresServer,
) -> None:
    """The server's own words again."""
    rules = postgres.files() / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text(f"hostnossl all strict 127.0.0.1/32 reject\n{before}")
    postgres.execute("SELECT pg_reload_conf()")
    postgres.execute("CREATE ROLE strict LOGIN")
    try:
        with pytest.raises(OperationalError) as raised:
            psycopg.connect(f"postgresql://strict@127.0.0.1:{postgres.port}/postgres").close()
    finally:
        rules.write_text(before)
        postgres.execute("SELECT pg_reload_conf()")
        postgres.execute("DROP ROLE strict")
    assert "28000 without TLS: " in explain(raised.value)


@pytest.mark.slow
def test_redis_with_or_without_tls_is_distinguished_from_one_that_is_gone(
    redis_servers: tuple[int, int, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both ways round, with the scheme to use; no password is quoted."""
    plain, with_tls, authority = redis_servers
    rest = f"://:{PASSWORD}@127.0.0.1"
    cases = {
        f"rediss{rest}:{plain}/0": "TLS_HANDSHAKE: TLS gets no answer: use redis://",
        f"redis{rest}:{with_tls}/0": "the server has ended the connection: if it asks for TLS, use",
        f"rediss{rest}:{with_tls}/0": "CERTIFICATE_VERIFY_FAILED: the certificate is not trusted",
    }
    for url, told in cases.items():
        if url != f"rediss{rest}:{plain}/0":  # what answers may take long on a busy machine
            monkeypatch.setattr(rate_limits, "_REDIS_TIMEOUT_S", 20)
        found = redis_fault(url)
        assert found.startswith("REDIS_URL: "), url
        assert told in found, found
        assert PASSWORD not in found
    assert redis_fault(f"rediss://127.0.0.1:{with_tls}/0?ssl_ca_certs={authority}") == ""
