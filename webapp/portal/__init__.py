"""The portal: its interface, its errors, and the statuses that AmootSMS documents for each error.

The class of an error says what to do next:

    PortalError
    ├─ Rejected      this contact is bad: do not retry, tell the person
    ├─ Refused       our token, account or IP address: pause the whole queue, tell the operator
    ├─ Unreachable   certainly not delivered: retry
    ├─ SlowDown      not applied (HTTP 429, 503 with Retry-After): the whole queue waits
    └─ Uncertain     perhaps delivered: look it up, then retry
       └─ Unexplained   the portal gave no reason: retrying will hardly help

Only what is known to have failed before the first byte of a request was sent is Unreachable.
Everything else that the portal did not answer is Uncertain, unknown exceptions included.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Final, Protocol

from webapp.contact import MOBILE, NAMES, Contact, Value
from webapp.messages.alerts import CODE_STATUS_MESSAGES, STATUS_MESSAGES

SLOW_DOWN: Final = "SlowDown"
MIN_PAUSE_S: Final = 1.0
MAX_PAUSE_S: Final = 15 * 60.0


class PortalError(Exception):
    """The portal did not accept a call, or it is unknown whether it did.

    Its text is only the status: no token, body, address or number. Exceptions of requests carry the
    whole request, so they are named in `cause` and not chained.

    Attributes:
        status: The portal's status name; ours, named alike, if the portal did not answer.
        cause: The classes of the exceptions behind it, outermost first, or "".
    """

    def __init__(self, status: str, cause: str = "") -> None:
        """Set the status name, and the classes of the causes."""
        super().__init__(status)
        self.status = status
        self.cause = cause

    @property
    def message(self) -> str:
        """A Persian sentence that says what to do."""
        return status_message(self.status)

    @property
    def is_answer(self) -> bool:
        """Whether the portal itself answered, with an error or not."""
        return not isinstance(self, Unreachable | SlowDown) and not _NO_ANSWER.fullmatch(
            self.status
        )


class Rejected(PortalError):
    """This contact is bad: do not retry, tell the person.

    Attributes:
        fields: The API names of the fields that are wrong, as far as the portal names them.
        concerns_length: Whether the length of some field is wrong.
    """

    fields: tuple[str, ...] = ()
    concerns_length: bool = False


class Refused(PortalError):
    """Our token, account or IP address, or an error of ours: pause the queue, tell the operator."""


class MethodNotAllowed(Refused):
    """The token may not use this method, or HTTP refuses it; other methods may work."""


class Unreachable(PortalError):
    """Certainly not delivered: retry."""


class SlowDown(PortalError):
    """Not applied: the whole queue waits for as long as the portal says.

    Attributes:
        retry_after: Seconds to wait, `MIN_PAUSE_S` to `MAX_PAUSE_S`; None if the portal names none.
    """

    def __init__(self, cause: str = "", *, retry_after: float | None = None) -> None:
        """Set the HTTP status as the cause, and the pause that the portal asks for."""
        super().__init__(SLOW_DOWN, cause)
        self.retry_after = retry_after


class Uncertain(PortalError):
    """Perhaps delivered: look it up, then retry."""


class TimedOut(Uncertain):
    """No whole response within the deadline; the next calls will hardly fare better."""

    def __init__(self, cause: str = "") -> None:
        """Set the classes of the causes."""
        super().__init__("Timeout", cause)


class Unexplained(Uncertain):
    """The portal answered with a status that does not say what became of the call."""


# The statuses of a gateway in front of the portal, and ours for no response.
_NO_ANSWER: Final = re.compile(
    "HTTP_(5[0-9]{2}|401|403|404|405|415)|Timeout|ConnectionBroken|UnknownFault"
)


def status_message(status: str) -> str:
    """Return a Persian sentence that says what to do about a status."""
    kind = "HTTP" if status.startswith("HTTP_") else "Other"
    return STATUS_MESSAGES.get(status) or STATUS_MESSAGES[kind]


def code_status_message(status: str) -> str:
    """Return such a sentence about a status for which no code was sent."""
    return CODE_STATUS_MESSAGES.get(status) or status_message(status)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownContact:
    """What an operator is told of a contact with the same number.

    Attributes:
        names: Its first and last name, without those that are empty.
        company: Its company, or "".
        city: Its city, or "".
        changed_on: When it was changed last, if that is known.
        values: Its values by field name, as far as they are known.
        id: Its ID, if it can be changed: the portal has said all that ContactEdit overwrites.
        labels: Whether it has each label that was searched for.
    """

    names: Sequence[str]
    company: str
    city: str
    changed_on: date | None
    values: Mapping[str, Value] = field(default_factory=dict, compare=False)
    id: int | None = None
    labels: Mapping[str, bool] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Label:
    """A label that exists in the portal, and how many contacts have it."""

    name: str
    contacts: int = 0


class Portal(Protocol):
    """What delivery needs of a portal. Each method raises a `PortalError` if the call fails.

    Any other exception is a bug of the implementation.
    """

    def create_contact(self, contact: Contact) -> int | None:
        """Store a contact; return its ID, or None if the portal returns none."""

    def edit_contact(self, number: int, contact: Contact) -> None:
        """Replace all values of the stored contact with this ID, but its labels."""

    def known_contacts(self, mobile: str, *, label: str = "") -> list[KnownContact]:
        """Return the stored contacts with this mobile number and, unless it is "", this label."""

    def find_contacts(self, contact: Contact, *, since: datetime) -> list[int | None]:
        """Return the IDs of the stored contacts with this contact's values.

        Args:
            contact: What was sent.
            since: When it was submitted, in UTC. Older contacts do not count.
        """

    def with_labels(
        self, contact: Contact, ids: list[int | None], *, until: float
    ) -> list[int | None]:
        """Return those of these contacts that have all labels of this contact.

        Args:
            contact: What was sent.
            ids: Contacts that `find_contacts` returned.
            until: The monotonic time (s) after which no further call starts.
        """

    def labels(self) -> list[Label]:
        """Return the labels that exist, in any order."""

    def send_code(self, mobile: str, code: str) -> str:
        """Send a code by SMS; return the code that was sent, which may be another one."""

    def is_blocked(self, mobile: str, line: str) -> bool:
        """Return whether a number has cancelled the messages of a line."""

    def ping(self) -> None:
        """Make a harmless call."""


def rejected_fields(status: str) -> tuple[str, ...]:
    """Return the API names of the fields that a status rejects; none if it names none."""
    return _REJECTED_FIELDS.get(status, ())


# The names by number, grouped by error.
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
            -109: "User_NotAllowHttp",
            -201: "Token_NotExists",
            -202: "Token_Invalid",
            -203: "Token_Disabled",
            -204: "Token_Expired",
            -207: "Token_NotAllowIP",
            -300: "System_Disabled",
        },
        MethodNotAllowed: {-108: "User_NotAllowMethod", -208: "Token_NotAllowMethod"},
        Uncertain: {500: "ServerError"},
        Unexplained: {
            0: "Failed",
            # Statuses of other methods: they do not say what became of our call.
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
_REJECTED_FIELDS: Final = {
    **dict.fromkeys(
        ("Mobile_Empty", "Mobile_Invalid", "Mobiles_Empty", "Mobiles_Invalid"), (MOBILE,)
    ),
    "FirstNameOrLastName_Empty": NAMES,
}
# Some value is too long or too short, without its name.
LENGTH_STATUSES: Final = ("Length_Invalid", "Length_Exceeded")
