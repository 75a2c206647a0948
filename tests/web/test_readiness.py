"""/readyz writes what a submission writes."""

from collections.abc import Callable

from flask import Flask
from sqlalchemy import create_engine
from support import Page

# As a missing right, a damaged index or a lock would.
TRIGGERS = {
    "sqlite": [
        "CREATE TRIGGER refuse BEFORE INSERT ON outbox BEGIN SELECT RAISE(ABORT, 'no'); END"
    ],
    "postgresql": [
        (
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'no'; END $$"
        ),
        "CREATE TRIGGER refuse BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION refuse()",
    ],
}


def test_machine_that_stores_nothing_is_not_ready(
    make_app: Callable[..., Flask], database_url: str
) -> None:
    """The rest of its database may be written: people would hear "not recorded"."""
    client = make_app(database_url=database_url).test_client()
    page = Page(client)
    engine = create_engine(database_url)
    with engine.begin() as connection:
        for statement in TRIGGERS[engine.dialect.name]:
            connection.exec_driver_sql(statement)
    engine.dispose()
    assert page.send(Mobile="09121234567").status_code == 503
    assert client.get("/readyz").status_code == 503
