"""What settings demand of each other, and what is probably a mistake."""

from typing import Final

import pytest
from support import hashed

from webapp.settings import Settings, SettingsError, warnings

READY: Final = {"AMOOT_TOKEN": "t0ken", "SECRET_KEY": "k" * 32}


def refusal(**environ: str) -> str:
    """Return the message of settings with which the program does not start."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(environ)
    return str(caught.value)


def warned(**environ: str) -> list[str]:
    """Return the warnings of valid settings; of networks, where the bind address is one."""
    networks = {} if "BIND" in environ else {"INTRANET_NETWORKS": "10.0.0.0/8"}
    ready = READY | networks | environ
    return warnings(Settings.from_env(ready), ready)


def test_short_secret_key_does_not_start_and_is_not_quoted() -> None:
    """Of several keys the newest counts: an older one must be valid until it is replaced."""
    for key in ("k" * 31, "hunter2", f"hunter2 {'k' * 32}"):
        message = refusal(AMOOT_TOKEN="t0ken", SECRET_KEY=key)
        assert "SECRET_KEY must begin with a key of at least 32 characters" in message
        assert "hunter2" not in message
    (warning,) = warned(SECRET_KEY=f"{'k' * 32} hunter2")
    assert warning.startswith("SECRET_KEY ends with a short key")
    assert "hunter2" not in warning


def test_https_without_a_proxy_does_not_start() -> None:
    """The program speaks plain HTTP: the proxy that is not named would hide every sender."""
    url = {"PUBLIC_URL": "https://form.example.ir"}
    for proxies in ({}, {"TRUSTED_PROXIES": "0"}):
        assert "TRUSTED_PROXIES is missing" in refusal(**READY, **url, **proxies)
    assert warned(**url, TRUSTED_PROXIES="1") == []
    assert warned(PUBLIC_URL="http://form.example.ir") == []
    assert refusal(**READY, **url, TRUSTED_PROXIES="x").count("TRUSTED_PROXIES") == 1


def test_demo_mode_is_not_published() -> None:
    """It shows whoever comes what others typed; for a try on this machine it starts."""
    for url in ("http://form.example.ir", "http://192.168.1.7:8000"):
        assert "AMOOT_TOKEN is missing: PUBLIC_URL" in refusal(PUBLIC_URL=url)
    for url in ("http://localhost:8000", "http://127.0.0.1:8000"):
        assert Settings.from_env({"PUBLIC_URL": url}).demo


def test_open_bind_without_users_and_networks_is_warned_of() -> None:
    """The default networks include all requests through a gateway with a private address."""
    users = f"sara:{hashed('x')}"
    for bind in ("0.0.0.0:8000", "[::]:8000", "192.168.1.7:80", "form:8000"):
        (warning,) = warned(BIND=bind)
        assert "INTRANET_USERS or INTRANET_NETWORKS" in warning
        assert warned(BIND=bind, INTRANET_USERS=users) == []
        assert warned(BIND=bind, INTRANET_NETWORKS="10.8.0.0/16") == []


def test_relative_path_of_the_outbox_is_warned_of() -> None:
    """From each folder, the program would open another outbox."""
    (warning,) = warned(DATABASE_URL="sqlite:///var/lib/outbox.sqlite3")
    assert warning.startswith("DATABASE_URL names a relative path")
    for url in ("sqlite:////var/lib/outbox.sqlite3", "postgresql+psycopg://u:p@db/x"):
        assert warned(DATABASE_URL=url) == []


def test_networks_of_every_address_without_users_are_warned_of() -> None:
    """With a login, operators may come from anywhere."""
    for networks in ("0.0.0.0/0", "10.0.0.0/8 ::/0"):
        (warning,) = warned(INTRANET_NETWORKS=networks)
        assert "INTRANET_NETWORKS holds every address" in warning
        assert warned(INTRANET_NETWORKS=networks, INTRANET_USERS=f"sara:{hashed('x')}") == []


def test_bind_that_only_a_proxy_can_make_public_is_warned_of() -> None:
    """A proxy of which the program does not know opens operators' pages to everybody."""
    users = f"sara:{hashed('x')}"
    for bind in ("127.0.0.1:8000", "localhost:8000", "[::1]:8000"):
        (warning,) = warned(BIND=bind)
        assert "TRUSTED_PROXIES" in warning
        for known in ({"INTRANET_USERS": users}, {"TRUSTED_PROXIES": "1"}):
            assert warned(BIND=bind, **known) == []
    assert "BIND is a socket" in refusal(BIND="unix:/run/form.sock")
    assert warned(BIND="unix:/run/form.sock", TRUSTED_PROXIES="1") == []


def test_secret_key_that_is_no_text_is_refused_in_one_line() -> None:
    """Bytes of another encoding come as lone surrogates, which nothing can sign with."""
    assert "SECRET_KEY must be printable text" in refusal(SECRET_KEY="\udcff" * 40)


def test_question_about_a_misspelt_setting_does_not_quote_its_value() -> None:
    """Both where the program starts and where it does not."""
    for name, meant in (
        ("INTRANET_USER", "INTRANET_USERS"),
        ("AMOOT_DEADLIN", "AMOOT_DEADLINE"),
        ("ORGANIZATION", "ORGANISATION"),
        ("TRUSTED_PROXY", "TRUSTED_PROXIES"),
        ("PUBLICURL", "PUBLIC_URL"),
        ("public_url", "PUBLIC_URL"),
        ("DATABASE_URI", "DATABASE_URL"),
    ):
        assert warned(**{name: "hunter2"}) == [f"{name} is no setting: did you mean {meant}?"]
    message = refusal(AMOOT_TOKN="hunter2", SMTP_URL="smtp://127.0.0.1")
    assert "AMOOT_TOKN is no setting: did you mean AMOOT_TOKEN?" in message
    assert "hunter2" not in message


def test_other_programs_variables_are_not_asked_about() -> None:
    """Those of systemd, a shell, Python, Postgres, and what resembles a setting that is set."""
    names = (
        *("CACHE_DIRECTORY", "LOGS_DIRECTORY", "RUNTIME_DIRECTORY", "CONFIGURATION_DIRECTORY"),
        *("HOME", "PATH", "LANG", "LC_ALL", "TERM", "HOSTNAME", "LISTEN_FDS", "NOTIFY_SOCKET"),
        *("POSTGRES_PASSWORD", "PGHOST", "AWS_SECRET_KEY", "MALLOC_ARENA_MAX", "PYTHONPATH"),
        *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SECRET_KEYS", "INVOCATION_ID", "LOGNAME"),
    )
    assert warned(**dict.fromkeys(names, "x")) == []
