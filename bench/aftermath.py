"""What follows when nothing fails any more: an operator's decisions, and the outbox after them."""

from __future__ import annotations

import itertools
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import NullPool, create_engine, text

from webapp.contact import MOBILE
from webapp.demo.faults import PROFILES
from webapp.outbox.rows import NEEDS_ATTENTION, NUMBER_UNVERIFIED, SUSPECT_STATUSES
from webapp.services import DeliveryServices
from webapp.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from chaos import World

    from webapp.outbox.rows import Submission

DRAINING = 1000  # seconds for the outbox to empty; longer than the longest pause of a contact
ROUNDS = 5  # of an operator's decisions, at most
OTHER_REASONS = (*SUSPECT_STATUSES, NUMBER_UNVERIFIED)  # to hold a submission
# What an administrator changes where a profile takes no contact of these forms: `check --portal`
# names it.
SETTINGS = {"gender-required": {"AMOOT_EMPTY_GENDER": "false"}}


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """What an operator had to decide, and what the rows say.

    Attributes:
        held: Submissions that waited for an operator.
        marked: The numbers of those that may be duplicated at the portal, by their rows.
    """

    held: int
    marked: set[int]


def end_faults(world: World) -> Aftermath:
    """End all faults, and let every contact reach the portal, those for an operator too."""
    world.responses.share = 0
    changes = SETTINGS.get(world.profile, {})
    if world.portal.profile.http_status != PROFILES["strict"].http_status:
        world.portal.profile = PROFILES["strict"]
    world.site.restart(changes)
    settings = Settings.from_env({**world.environ, **changes})
    services = DeliveryServices.build(
        settings, portal_url=settings.amoot_url, token=settings.amoot_token
    )
    services.breaker.probe_now()
    drain(world.outbox)
    held, marked = 0, set[int]()
    for _ in range(ROUNDS):
        waiting = list(_needing_attention(services))
        held = held or len(waiting)
        marked |= {_stored_number(it) for it in waiting if it.uncertain}
        if not waiting:
            break
        _decide(services, waiting, world.portal.contacts)
        drain(world.outbox)
    marked |= _sent_again(world.outbox, world.portal.contacts)
    _erase_drafts(world.outbox, services)
    return Aftermath(held=held, marked=marked)


def _needing_attention(services: DeliveryServices) -> Iterator[Submission]:
    """Yield what the portal, or the way to it, left to an operator."""
    last = 0
    while page := services.outbox.review.page(NEEDS_ATTENTION, after=last):
        yield from (it for it in page if it.status not in OTHER_REASONS)
        last = page[-1].id


def _decide(
    services: DeliveryServices, waiting: Iterable[Submission], stored: Iterable[Mapping[str, Any]]
) -> None:
    """Look for each contact in the panel; discard what is there, and have the rest sent."""
    numbers = {contact["Mobile"] for contact in stored}
    review = services.outbox.review
    for submission in waiting:
        change = review.discard if _stored_number(submission) in numbers else review.retry
        change(submission.reference)
    services.breaker.probe_now()


def _stored_number(submission: Submission) -> int:
    """Return a submission's number as the portal stores it."""
    return int(f"98{submission.contact[MOBILE].removeprefix('0')}")


def _sent_again(outbox: str, stored: Iterable[Mapping[str, Any]]) -> set[int]:
    """Return the numbers of delivered contacts whose rows say that they were sent again."""
    engine = create_engine(outbox, poolclass=NullPool)
    with engine.connect() as connection:
        ids = set(
            connection.execute(
                text("SELECT portal_id FROM outbox WHERE resent_without_lookup")
            ).scalars()
        )
    return {contact["Mobile"] for contact in stored if contact["ID"] in ids}


def _erase_drafts(outbox: str, services: DeliveryServices) -> None:
    """Let the hour pass after which drafts that nobody sent are erased."""
    engine = create_engine(outbox, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE imports SET created_at = '2026-01-01 00:00:00'"))
    engine.dispose()
    services.imports.purge()


def drain(outbox: str) -> None:
    """Wait until nothing is on its way, as long as may be."""
    # No connection stays open: it would keep SQLite from erasing.
    engine = create_engine(outbox, poolclass=NullPool)
    states = text(
        "SELECT state, count(*) FROM outbox GROUP BY state UNION ALL"
        " SELECT 'import', left_rows FROM imports WHERE state = 'running'"
    )
    expires = time.monotonic() + DRAINING
    for second in itertools.count():
        with engine.connect() as connection:
            counts = dict(connection.execute(states).all())
        if second % 5 == 0:
            say(f"outbox: {counts}")
        if not counts.keys() & {"queued", "sending", "import"}:
            return
        if time.monotonic() > expires:
            say(f"they are still on their way after {DRAINING} seconds")
            return
        time.sleep(1)


def say(words: str) -> None:
    """Write to standard error, for the person at the terminal."""
    print(words, file=sys.stderr, flush=True)
