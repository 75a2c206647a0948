"""Settings from the environment: every fault at once, no secret quoted."""

import ipaddress
from pathlib import Path

import pytest
from tables import each
from werkzeug.security import generate_password_hash

from webapp.settings import PRIVATE_NETWORKS, Settings, SettingsError

NEW, OLD = "new-" * 8, "old-" * 8
READY = {"AMOOT_TOKEN": "t0ken", "SECRET_KEY": f"{NEW} {OLD}"}


def faults(**environ: str) -> list[str]:
    """Return what is wrong with an otherwise good environment."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(READY | environ)
    return list(caught.value.faults)


def test_without_a_token_it_is_demo_mode() -> None:
    """Nothing needs to be set; the key is in a file of the state folder."""
    settings = Settings.from_env({})
    assert settings.demo
    assert settings.bind == "127.0.0.1:8000"
    assert settings.intranet_networks == PRIVATE_NETWORKS
    assert settings.secret_keys == ()


def test_everything_can_be_set(tmp_path: Path) -> None:
    """Each variable is read into its attribute."""
    forms = tmp_path / "forms.toml"
    forms.touch()
    hash_ = generate_password_hash("x")
    settings = Settings.from_env(
        {
            "AMOOT_TOKEN": "t0ken",
            "AMOOT_URL": "https://portal.example/rest",
            "AMOOT_DEADLINE": "2.5",
            "AMOOT_SETTLE": "60",
            "SECRET_KEY": f"{NEW} {OLD}",
            "FORMS_FILE": str(forms),
            "STATE_DIRECTORY": f"{tmp_path}:/var/lib/other",
            "DATABASE_URL": "postgresql+psycopg://u:p@db/x",
            "REDIS_URL": "redis://cache",
            "RATE_LIMITS": "off",
            "LIMIT_TOTAL": "9/second",
            "LIMIT_FORM": "8/minute",
            "LIMIT_ADDRESS": "7/minute;70/2 hours",
            "LIMIT_MOBILE": "6 per day",
            "LIMIT_LOGIN": "5/month",
            "PUBLIC_URL": "https://form.example.ir/",
            "TRUSTED_PROXIES": "1",
            "METRICS_TOKEN": "m" * 32,
            "INTRANET_NETWORKS": "10.8.0.0/16, fd00::/8",
            "INTRANET_USERS": f"sara:{hash_}",
            "DELIVERER": "off",
            "BIND": "unix:/run/form.sock",
            "WEB_CONCURRENCY": "3",
            "THREADS": "16",
            "ALERT_EMAIL": "ops@example.ir, root@localhost ops@example.ir",
            "SMTP_URL": "smtp://sara:p%40ss@mail.example.ir:587",
            "LOG_FORMAT": "json",
            "LOG_LEVEL": "debug",
        }
    )
    assert settings == Settings(
        amoot_token="t0ken",
        amoot_url="https://portal.example/rest/",
        amoot_deadline=2.5,
        amoot_settle=60,
        secret_keys=(NEW, OLD),
        forms_file=forms,
        state_directory=tmp_path,
        database_url="postgresql+psycopg://u:p@db/x",
        redis_url="redis://cache",
        rate_limits=False,
        limit_total="9/second",
        limit_form="8/minute",
        limit_address="7/minute;70/2 hours",
        limit_mobile="6 per day",
        limit_login="5/month",
        public_url="https://form.example.ir",
        trusted_proxies=1,
        metrics_token="m" * 32,
        intranet_networks=(ipaddress.ip_network("10.8.0.0/16"), ipaddress.ip_network("fd00::/8")),
        intranet_users={"sara": hash_},
        deliverer="off",
        bind="unix:/run/form.sock",
        web_concurrency=3,
        threads=16,
        alert_email=("ops@example.ir", "root@localhost"),
        smtp_url="smtp://sara:p%40ss@mail.example.ir:587",
        log_format="json",
        log_level="debug",
    )


@each(
    ("name", "value"),
    [
        ("AMOOT_TOKEN", ""),
        ("AMOOT_TOKEN", "with space"),
        ("AMOOT_TOKEN", "trailing "),
        ("AMOOT_TOKEN", "nul\0"),
        ("AMOOT_TOKEN", "توکن"),
        ("AMOOT_URL", ""),
        ("AMOOT_URL", "portal.example"),
        ("AMOOT_URL", "http://portal.example/rest/"),
        ("AMOOT_URL", "http://["),
        ("AMOOT_URL", "https://*.example/"),
        ("AMOOT_URL", "https://portal .example/"),
        ("AMOOT_URL", "https://portal.example:99999/"),
        ("AMOOT_URL", "https://u:p@portal.example/rest/"),
        ("AMOOT_URL", "https://portal.example:0/"),
        ("AMOOT_URL", "https://portal.example:x/"),
        ("AMOOT_URL", "https://portal.example/?a=b"),
        ("AMOOT_DEADLINE", "eight"),
        ("AMOOT_DEADLINE", "0"),
        ("AMOOT_DEADLINE", "61"),
        ("AMOOT_DEADLINE", "nan"),
        ("AMOOT_SETTLE", "-1"),
        ("SECRET_KEY", " "),
        ("SECRET_KEY", "k" * 31),
        ("SECRET_KEY", f"short {'k' * 32}"),
        ("METRICS_TOKEN", "t" * 31),
        ("METRICS_TOKEN", "t" * 31 + " t"),
        ("STATE_DIRECTORY", "relative"),
        ("DATABASE_URL", "mysql://x"),
        ("DATABASE_URL", "sqlite://var/lib/outbox.sqlite3"),
        ("DATABASE_URL", "sqlite:///:memory:?timeout=5"),
        ("DATABASE_URL", "sqlite:///file::memory:?uri=true"),
        ("DATABASE_URL", "sqlite:////var/lib/outbox.sqlite3?mode=memory&uri=true"),
        ("DATABASE_URL", "sqlite:////var/lib/outbox.sqlite3?timeout=short"),
        ("REDIS_URL", "http://cache"),
        ("REDIS_URL", "redis://cache/limits"),
        ("REDIS_URL", "redis://cache/0?timeout=5"),
        ("REDIS_URL", "redis://cache/0?socket_timeout=short"),
        ("RATE_LIMITS", "maybe"),
        ("LIMIT_TOTAL", ""),
        ("LIMIT_FORM", "many"),
        ("LIMIT_ADDRESS", "60/minute;5/fortnight"),
        ("LIMIT_MOBILE", "0/day"),
        ("LIMIT_LOGIN", "10/minute;9/year"),
        ("LIMIT_LOGIN", "9" * 5000 + "/minute"),
        ("PUBLIC_URL", "sazman.ir"),
        ("PUBLIC_URL", "https://form.example.ir/path"),
        ("PUBLIC_URL", "https://فرم.ایران"),
        ("PUBLIC_URL", "https://a b"),
        ("FORMS_FILE", ""),
        ("BIND", "a b:80"),
        ("BIND", "h:" + "9" * 5000),
        ("INTRANET_USERS", "bob:scrypt:garbage"),
        ("INTRANET_USERS", "bob:scrypt:garbage$aa$bb"),
        ("INTRANET_USERS", "bob:pbkdf2:md55:1$aa$bb"),
        ("INTRANET_USERS", "bob:scrypt:32768:8:1$aa$bb bob:scrypt:32768:8:1$cc$dd"),
        ("TRUSTED_PROXIES", "0000000001"),
        ("TRUSTED_PROXIES", "-1"),
        ("TRUSTED_PROXIES", "many"),
        ("INTRANET_NETWORKS", "10.0.0.0/99"),
        ("INTRANET_NETWORKS", ""),
        ("INTRANET_USERS", "sara:secret"),
        ("INTRANET_USERS", ""),
        ("DELIVERER", "on"),
        ("BIND", "8000"),
        ("BIND", "127.0.0.1:99999"),
        ("WEB_CONCURRENCY", "0"),
        ("WEB_CONCURRENCY", "9" * 5000),
        ("THREADS", "3"),
        ("LOG_FORMAT", "xml"),
        ("LOG_LEVEL", "loud"),
        ("ALERT_EMAIL", ""),
        ("ALERT_EMAIL", " , "),
        ("ALERT_EMAIL", "nobody"),
        ("ALERT_EMAIL", "a@b.ir; c@d.ir"),
        ("ALERT_EMAIL", "Sara <sara@example.ir>"),
        ("ALERT_EMAIL", "سارا@example.ir"),
        ("ALERT_EMAIL", "sara@" + "a" * 300 + ".ir"),
        ("SMTP_URL", ""),
        ("SMTP_URL", "mail.example.ir"),
        ("SMTP_URL", "http://mail.example.ir"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://mail example.ir"),
        ("SMTP_URL", "smtp://mail.example.ir:99999"),
        ("SMTP_URL", "smtp://mail.example.ir:0"),
        ("SMTP_URL", "smtp://mail.example.ir/folder"),
        ("SMTP_URL", "smtp://sara@mail.example.ir"),
        ("SMTP_URL", "smtp://sara:%D8%AF@mail.example.ir"),
        ("SMTP_URL", "smtp://sara:a%0Ab@mail.example.ir"),
        ("SMTP_URL", "smtp://mail.example.ir?from=nobody"),
        ("SMTP_URL", "smtp://mail.example.ir?to=a@example.ir"),
    ],
)
def test_wrong_value_is_named_and_not_quoted(name: str, value: str) -> None:
    """One fault, that begins with the variable's name, beside good values of the others."""
    good = {"ALERT_EMAIL": "ops@example.ir", "SMTP_URL": "smtp://127.0.0.1:25"}
    (fault,) = faults(**good | {name: value})
    assert fault.startswith(f"{name} ")
    assert fault.endswith(".")
    assert len(value) < 4 or value not in fault


def test_alerts_need_both_settings() -> None:
    """Next to all other errors."""
    for name, value, other in (
        ("ALERT_EMAIL", "ops@example.ir", "SMTP_URL"),
        ("SMTP_URL", "smtp://127.0.0.1", "ALERT_EMAIL"),
    ):
        wrong, missing = faults(**{name: value, "BIND": "x"})
        assert wrong.startswith("BIND ")
        assert missing.startswith(f"{other} is missing")


def test_all_faults_come_in_one_message() -> None:
    """The operator mends everything at once."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"AMOOT_TOKEN": "bad token", "BIND": "x", "THREADS": "x"})
    message = str(caught.value)
    assert all(name in message for name in ("AMOOT_TOKEN", "BIND", "THREADS", "SECRET_KEY"))
    assert "bad token" not in message


def test_outside_demo_mode_a_secret_key_is_needed() -> None:
    """Workers and restarts must share it."""
    with pytest.raises(SettingsError, match="SECRET_KEY is missing"):
        Settings.from_env({"AMOOT_TOKEN": "t0ken"})


def test_real_portal_needs_a_token() -> None:
    """Demo mode never calls anything but loopback."""
    with pytest.raises(SettingsError, match="AMOOT_TOKEN is missing"):
        Settings.from_env({"AMOOT_URL": "https://portal.example/rest/"})
    assert Settings.from_env({"AMOOT_URL": "http://127.0.0.1:9/rest/"}).demo


@each(
    "typed", ["https://Form.Example.ir", "https://form.example.ir:443", "https://form.example.ir/"]
)
def test_public_url_is_spelled_as_browsers_do(typed: str) -> None:
    """It is compared with what they send as `Origin`."""
    assert (
        Settings.from_env(READY | {"PUBLIC_URL": typed, "TRUSTED_PROXIES": "1"}).public_url
        == "https://form.example.ir"
    )


def test_no_secret_is_in_the_repr() -> None:
    """Settings may be printed."""
    shown = repr(
        Settings.from_env(
            READY
            | {"DATABASE_URL": "sqlite:///pass", "INTRANET_USERS": "sara:scrypt:1:2:3$4$5"}
            | {"ALERT_EMAIL": "ops@example.ir", "SMTP_URL": "smtp://sara:hush@mail"}
        )
    )
    assert not any(
        secret in shown for secret in ("t0ken", "new-", "old-", "pass", "scrypt", "hush", "@")
    )


def test_message_on_a_wrong_metrics_address_does_not_mention_a_socket() -> None:
    """Only BIND takes the path of a Unix socket."""
    for typed in ("9101", "unix:/run/metrics.sock"):
        with pytest.raises(SettingsError, match=r"DELIVERER_METRICS must be host:port\."):
            Settings.from_env(READY | {"DELIVERER_METRICS": typed})
