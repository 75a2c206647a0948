"""What an answer of the portal means for a contact: the error tree, and every documented status.

Errors are told apart by what to do next:

    PortalError
    ├─ Rejected      this contact is bad: do not retry, tell the person
    ├─ Refused       our token, account or address: hold the whole queue, tell the operator
    ├─ Unreachable   certainly not delivered: retry
    ├─ SlowDown      not applied (HTTP 429, 503 with Retry-After): the whole queue waits
    └─ Uncertain     perhaps delivered: look first, then retry
       └─ Unexplained   the portal answered, and gave no reason: asking again will hardly help

Unreachable is claimed only for what is known to have happened before the first byte of a request
was sent. Everything else that is not the portal's own word is Uncertain, unknown exceptions too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Protocol

from webapp import messages

if TYPE_CHECKING:
    from datetime import datetime

    from webapp.contact import Contact

SLOW_DOWN: Final = "SlowDown"
MIN_PAUSE_S: Final = 1.0
MAX_PAUSE_S: Final = 15 * 60.0


class PortalError(Exception):
    """The portal did not take the call, or we do not know that it did.

    Its text is the status alone: no token, body, address or number is in it, nor in a chained
    exception. `requests` hangs the whole request on its own, so these are named, not chained.

    Attributes:
        status: The portal's status name, or ours for a fault on the way, in the same style.
        cause: The classes of the exceptions behind it, outermost first, or "".
    """

    def __init__(self, status: str, cause: str = "") -> None:
        """Take the status name, and what lies behind it."""
        super().__init__(status)
        self.status = status
        self.cause = cause

    @property
    def message(self) -> str:
        """A Persian sentence that says what to do."""
        return status_message(self.status)

    @property
    def is_answer(self) -> bool:
        """Whether the portal itself seems to have answered, be it with an error."""
        return not isinstance(self, Unreachable | SlowDown) and not _SILENCE.fullmatch(self.status)


class Rejected(PortalError):
    """This contact is bad: do not retry, tell the person."""


class Refused(PortalError):
    """Our token, account or address, or a fault of ours: hold the queue, tell the operator."""


class MethodNotAllowed(Refused):
    """The token may not use this method of the portal, perhaps others."""


class Unreachable(PortalError):
    """Certainly not delivered: retry."""


class SlowDown(PortalError):
    """Not applied: the whole queue waits for as long as the portal says.

    Attributes:
        retry_after: Seconds to wait, within the bounds below; None if the portal names none.
    """

    def __init__(self, cause: str = "", *, retry_after: float | None = None) -> None:
        """Take the HTTP status as the cause, and the pause that the portal asks for."""
        super().__init__(SLOW_DOWN, cause)
        self.retry_after = retry_after


class Uncertain(PortalError):
    """Perhaps delivered: look first, then retry."""


class TimedOut(Uncertain):
    """No whole answer within the deadline: so it will be with the next calls, too."""

    def __init__(self, cause: str = "") -> None:
        """Take what lies behind it."""
        super().__init__("Timeout", cause)


class Unexplained(Uncertain):
    """The portal answered with a status that says nothing of the call: a person should look."""


# What a gateway says of a portal behind it that is down, and our own words for no answer at all.
_SILENCE: Final = re.compile("HTTP_5[0-9]{2}|Timeout|ConnectionBroken|UnknownFault")


def status_message(status: str) -> str:
    """Return a Persian sentence that says what to do about a status."""
    kind = "HTTP" if status.startswith("HTTP_") else "Other"
    return messages.STATUS_MESSAGES.get(status) or messages.STATUS_MESSAGES[kind]


class Portal(Protocol):
    """What delivery asks of a portal. Each method raises a `PortalError` where it fails.

    Any other exception is a fault of the implementation.
    """

    def create_contact(self, contact: Contact) -> int | None:
        """Store a contact; return its ID there, or None where the portal does not tell."""

    def find_contacts(self, contact: Contact, *, since: datetime) -> list[int | None]:
        """Return the IDs of the contacts there that have this contact's values.

        Args:
            contact: What was sent, perhaps in vain.
            since: When it was submitted, in UTC. Older contacts do not count.
        """

    def with_labels(
        self, contact: Contact, ids: list[int | None], *, until: float
    ) -> list[int | None]:
        """Return those of these contacts that carry all labels of this contact.

        Args:
            contact: What was sent.
            ids: Contacts that `find_contacts` returned.
            until: The monotonic second after which no further call is made.
        """

    def ping(self) -> None:
        """Ask for something harmless."""
