"""A Persian contact form in front of the AmootSMS portal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from flask import Flask
from jinja2 import StrictUndefined

from webapp import demo, messages, persian, web
from webapp.database.encryption import load_or_make_key
from webapp.forms import build_form, definitions_file, note_ids
from webapp.forms.tokens import Sessions, Tokens
from webapp.messages import public
from webapp.portal import status_message
from webapp.services import DeliveryServices
from webapp.settings import PORTAL_URL, Settings
from webapp.web import help, page, rendering, security
from webapp.web.rendering import EXTENSION, Services, content
from webapp.web.rendering.recent import RecentSubmissions
from webapp.web.security import BasicAuth, Intranet, own_origin, showing_site
from webapp.web.security.proof_of_work import ProofOfWork, UsedProofs
from webapp.web.security.rate_limits import RateLimits

_PACKAGE = Path(__file__).parent
# Templates and static files are inside the package in a wheel, beside it in a checkout.
_ROOT = _PACKAGE if (_PACKAGE / "templates").is_dir() else _PACKAGE.parent


def create_app(settings: Settings | None = None) -> Flask:
    """Create the app.

    Args:
        settings: By default, from the environment.

    Raises:
        SettingsError: if a setting is wrong or missing.
        DefinitionError: if the forms file is wrong.
    """
    # Imported here: prometheus-client reads its environment at import.
    from webapp.observability.metrics import Metrics, RequestIdMiddleware  # noqa: PLC0415

    settings = settings or Settings.from_env()
    if not settings.secret_keys:  # the demo's own: after a restart it reads what it has stored
        key = load_or_make_key(settings.state_directory / "demo.key")
        settings = replace(settings, secret_keys=(key,))
    app = _make_flask(settings)
    tokens = Tokens(settings.secret_keys)
    forms = definitions_file.load(settings.forms_file, demo=settings.demo)
    url = settings.amoot_url or (
        demo.Simulator(token=demo.DEMO_TOKEN).start().url if settings.demo else PORTAL_URL
    )
    metrics = Metrics(forms, deadline=settings.amoot_deadline)
    token = settings.amoot_token or demo.DEMO_TOKEN
    delivery = DeliveryServices.build(settings, portal_url=url, token=token, metrics=metrics)
    delivery.use(forms)
    rate_limits = RateLimits(settings, metrics)
    basic_auth = BasicAuth(settings.intranet_users, rate_limits)
    app.extensions[EXTENSION] = Services(
        settings=settings,
        definitions=forms,
        forms={
            slug: build_form(it, tokens, delivery.labels.known, showing_site)
            for slug, it in forms.items()
        },
        delivery=delivery,
        metrics=metrics,
        readiness=web.Readiness(delivery.outbox),
        header=help.Header(delivery, forms),
        tokens=tokens,
        rate_limits=rate_limits,
        basic_auth=basic_auth,
        intranet=Intranet(settings, basic_auth),
        proof_of_work=ProofOfWork(
            settings.secret_keys, consume=UsedProofs(delivery.database).consume
        ),
        recent=RecentSubmissions(settings.secret_keys) if settings.recent_submissions else None,
        portal_url=url,
        cached_pages={},
    )
    rendering.register(app, forms, metrics, web.VIEWS)
    web.register(app, settings, forms)
    rendering.register_assets(app)
    security.register(app, settings)
    app.wsgi_app = RequestIdMiddleware(  # type: ignore[method-assign]
        app.wsgi_app, trusts_proxy=settings.trusted_proxies > 0
    )
    return app


def _make_flask(settings: Settings) -> Flask:
    """Return a Flask app with its configuration and the templates' globals."""
    newest, *older = settings.secret_keys
    app = Flask(__name__, root_path=str(_ROOT))
    app.config.update(
        SECRET_KEY=newest,
        SECRET_KEY_FALLBACKS=older,
        SESSION_COOKIE_NAME="amoot_form",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=(settings.public_url or "").startswith("https:"),
    )
    app.session_interface = Sessions(app)
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True, "undefined": StrictUndefined}
    app.jinja_env.filters["isolated"] = content.isolated
    app.jinja_env.globals.update(
        text=messages,
        demo=settings.demo,
        digits=persian.persian_digits,
        status_message=status_message,
        months=persian.JALALI_MONTHS,
        line_blocked=public.LINE_BLOCKED,
        note_ids=note_ids,
        own_origin=own_origin,
        accent_digest=page.accent_digest,
        organisation=help.organisation,
        logo_path=help.logo_path,
        linked=content.linked,
    )
    return app
