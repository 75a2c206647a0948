"""The page that says how to embed a form."""

from flask.testing import FlaskClient
from support import Html


def test_install_page_names_the_check_to_run_first(client: FlaskClient) -> None:
    """Before the lines to copy: what the portal answers decides which settings a form needs."""
    page = client.get("/install/signup").text
    commands = [text for _, text in Html(page).find("code")]
    assert "amoot-form check --portal" in commands
    assert page.index("check --portal") < page.index("snippet")
