"""The statuses that AmootSMS documents, by the error that each one means for our calls."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from webapp.contact import MOBILE, NAMES
from webapp.portal.base import (
    MethodNotAllowed,
    PortalError,
    Refused,
    Rejected,
    Uncertain,
    Unexplained,
)


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
