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
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from webapp import messages

if TYPE_CHECKING:
    from collections.abc import Mapping


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
        return message(self.status)

    @property
    def is_answer(self) -> bool:
        """Whether the portal itself seems to have answered, be it with an error."""
        return not isinstance(self, Unreachable | SlowDown) and not _SILENCE.fullmatch(self.status)


class Rejected(PortalError):
    """This contact is bad: do not retry, tell the person."""


class Refused(PortalError):
    """Our token, account or address, or a fault of ours: hold the queue, tell the operator."""


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


class Unexplained(Uncertain):
    """The portal answered with a status that says nothing of the call: a person should look."""


def parse_retry_after(header: str, *, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, in either form, within bounds.

    Returns:
        None if the header is empty or unreadable.
    """
    text = header.strip()
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        try:
            seconds = (parsedate_to_datetime(text).astimezone(UTC) - now).total_seconds()
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, MIN_PAUSE_S), MAX_PAUSE_S)


# What a gateway says of a portal behind it that is down, and our own words for no answer at all.
_SILENCE: Final = re.compile("HTTP_5[0-9]{2}|Timeout|ConnectionBroken|UnknownFault")


def message(status: str) -> str:
    """Return a Persian sentence that says what to do about a status."""
    kind = "HTTP" if status.startswith("HTTP_") else "Other"
    return messages.STATUS_MESSAGES.get(status) or messages.STATUS_MESSAGES[kind]


def field_at_fault(status: str) -> str | None:
    """Return the API name of the field that a status complains of, if it is one."""
    return _AT_FAULT.get(status)


# Every status of the portal's documents, by its number and by what it means for one call of ours.
SUCCESS: Final = "Success"
STATUSES: Final[Mapping[type[PortalError] | None, Mapping[int, str]]] = MappingProxyType(
    {
        None: {1: SUCCESS},
        Rejected: {
            16: "Mobile_Empty",
            17: "Mobiles_Empty",
            18: "Title_Empty",
            19: "FirstNameOrLastName_Empty",
            101: "Mobile_Invalid",
            102: "Mobiles_Invalid",
            120: "Length_Invalid",
            121: "Length_Exceeded",
        },
        Refused: {
            2: "AccountIsDemo",
            4: "CreditNotEnough",
            10: "UserName_Empty",
            11: "Password_Empty",
            100: "UserNameOrPassword_Invalid",
            113: "ContactID_Invalid",
            114: "ContactGroupID_Invalid",
            -1: "User_NotExists",
            -102: "User_MobileNotVerified",
            -103: "User_Disabled",
            -104: "User_Expired",
            -105: "User_WebServiceBanned",
            -106: "User_NotAllowWebService",
            -107: "User_NotAllowIP",
            -108: "User_NotAllowMethod",
            -109: "User_NotAllowHttp",
            -201: "Token_NotExists",
            -202: "Token_Invalid",
            -203: "Token_Disabled",
            -204: "Token_Expired",
            -207: "Token_NotAllowIP",
            -208: "Token_NotAllowMethod",
            -300: "System_Disabled",
        },
        Uncertain: {500: "ServerError"},
        Unexplained: {
            0: "Failed",
            # These belong to other methods: here they say nothing of what became of the call.
            5: "LineNumber_NotExist",
            6: "BackupLineNumber_NotExist",
            7: "Avanak_NotAvailable",
            12: "LineNumber_Empty",
            13: "BackupLineNumber_Empty",
            14: "SMSMessageText_Empty",
            15: "AvanakMessageText_Empty",
            20: "URLAddress_Empty",
            103: "Count_Invalid",
            104: "FromRow_Invalid",
            105: "FromDate_Invalid",
            106: "FromDateTime_Invalid",
            107: "ToDate_Invalid",
            108: "ToDateTime_Invalid",
            109: "FromDateIsAfterThanToDate",
            110: "FromDateTimeIsAfterThanToDateTime",
            111: "MessageID_Invalid",
            112: "BulkID_Invalid",
            115: "CourseID_Invalid",
            116: "CourseGroupID_Invalid",
            117: "URLAddress_Duplicate",
            118: "RelayMessageDeliveryID_Invalid",
            119: "RelayRecieveMessageID_Invalid",
        },
    }
)
BY_NUMBER: Final = {
    str(number): name for names in STATUSES.values() for number, name in names.items()
}
BY_NAME: Final = {
    name: error for error, names in STATUSES.items() if error for name in names.values()
}
_AT_FAULT: Final = {
    "Mobile_Empty": "Mobile",
    "Mobile_Invalid": "Mobile",
    "Mobiles_Empty": "Mobile",
    "Mobiles_Invalid": "Mobile",
    "FirstNameOrLastName_Empty": "FName",
}
