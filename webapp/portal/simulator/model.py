"""How the portal stores and returns contacts, by our reading of its reference."""

from __future__ import annotations

import datetime as dt
import enum
import re
from dataclasses import dataclass
from types import EllipsisType, MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


from webapp.portal.simulator.faults import Fault

# Mobile numbers that the simulator answers with an error: a rejection each time, other errors every
# second time, so that the demo shows how the contact is delivered in the end.
DEMO_NUMBERS: Final[Mapping[str, str | Fault]] = MappingProxyType(
    {
        "09990000019": "FirstNameOrLastName_Empty",
        "09990000101": "Mobile_Invalid",
        "09990000121": "Length_Exceeded",
        "09990000004": "CreditNotEnough",
        "09990000202": "Token_Invalid",
        "09990000300": "System_Disabled",
        "09990000500": "ServerError",
        "09990000502": Fault.HTTP_502,
        "09990000504": Fault.APPLIED_THEN_SILENT,
    }
)
ALWAYS_REJECTED: Final = {"FirstNameOrLastName_Empty", "Mobile_Invalid", "Length_Exceeded"}


@dataclass(frozen=True, slots=True)
class Profile:
    """What the reference does not say about ContactSearch.

    Attributes:
        empty_text: The value of an empty text.
        empty_gender: The value of no gender; `...` for a missing key.
        prefix: The digits before the ten digits of a mobile number.
        reshapes: Whether white space, letters and line ends of texts are changed.
        labels: Whether a search by labels uses them, ignores them, or is refused.
    """

    empty_text: str | None = None
    empty_gender: bool | EllipsisType | None = None
    prefix: str = "98"
    reshapes: bool = False
    labels: Literal["found", "ignored", "refused"] = "found"


PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        "strict": Profile(),
        "empties-as-text": Profile(empty_text=""),
        "no-gender-missing": Profile(empty_gender=...),
        "no-gender-false": Profile(empty_gender=False),
        "bare-mobile": Profile(prefix=""),
        "reshaped-texts": Profile(reshapes=True),
        "labels-ignored": Profile(labels="ignored"),
        "labels-refused": Profile(labels="refused"),
        "old": Profile(
            empty_text="", empty_gender=False, prefix="", reshapes=True, labels="refused"
        ),
    }
)


class CodeShape(enum.StrEnum):
    """Where SendQuickOTP's answer stands: the documentation shows all of these."""

    DATA = "data"
    DATA_ARRAY = "data-array"
    RETURN_VALUE = "return-value"
    RETURN_VALUE_ARRAY = "return-value-array"
    OBJECT = "object"  # its status, too, is within `Data`
    ARRAY = "array"  # of one whole answer
    TOP = "top"


def code_fits(length: str, code: str) -> bool:
    """Return whether a code may be sent: 4 to 8 digits, as many as were asked for."""
    return bool(re.fullmatch(r"[0-9]{4,8}", code)) and length == str(len(code))


def code_answer(shape: CodeShape, number: int, **sent: str) -> object:
    """Return the answer of SendQuickOTP in this shape."""
    status, content = {"Status": "Success"}, {"MessageID": number, **sent}
    answers: dict[CodeShape, object] = {
        CodeShape.DATA: {**status, "Data": content},
        CodeShape.DATA_ARRAY: {**status, "Data": [content]},
        CodeShape.RETURN_VALUE: {**status, "ReturnValue": content},
        CodeShape.RETURN_VALUE_ARRAY: {**status, "ReturnValue": [content]},
        CodeShape.OBJECT: {"Data": {**status, **content}},
        CodeShape.ARRAY: [{**status, **content}],
        CodeShape.TOP: {**status, **content},
    }
    return answers[shape]


class InvalidFormError(Exception):
    """The form does not conform to the reference."""


_TEXTS: Final = (
    *("FName", "LName", "CompanyTitle", "JobTitle", "Email", "CityName", "AddressText"),
    *("CustomText1", "CustomText2", "CustomText3", "CustomText4", "CustomText5", "CustomText6"),
)
_DATES: Final = ("BornDate", "AnniversaryDate", "CustomDate1", "CustomDate2", "CustomDate3")
KEYS: Final = {"ContactGroupID", "Active", "Mobile", "GenderType", "Labels", *_TEXTS, *_DATES}
_BOOLEANS: Final = {"true": True, "false": False}
_GENDERS: Final = {True: "آقا", False: "خانم", None: ""}
_MOBILE: Final = re.compile(r"(?:\+?98|0098|0)?(9[0-9]{9})")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def normal_mobile(mobile: str) -> int | None:
    """Return a mobile number as the portal stores it, beginning with 98; None if it is invalid."""
    match = _MOBILE.fullmatch(mobile.strip())
    return int(f"98{match[1]}") if match else None


def _boolean(text: str) -> bool:
    if text not in _BOOLEANS:
        raise InvalidFormError
    return _BOOLEANS[text]


def _day(text: str) -> str | None:
    if not text:
        return None
    if not _DATE.fullmatch(text):
        raise InvalidFormError
    try:
        return f"{dt.date.fromisoformat(text)}T00:00:00"
    except ValueError as error:
        raise InvalidFormError from error


def make_record(pairs: Sequence[tuple[str, str]], extra: Iterable[str]) -> dict[str, Any]:
    """Return the record of a ContactCreate form, without its ID and number."""
    names = [name for name, _ in pairs]
    singles = [name for name in names if name != "Labels"]
    form = dict(pairs)
    known = KEYS.union(extra)
    if set(names) != known or len(singles) != len(known) - 1 or form["ContactGroupID"] != "0":
        raise InvalidFormError
    gender = _boolean(form["GenderType"]) if form["GenderType"] else None
    labels = [label for name, text in pairs if name == "Labels" for label in split_labels(text)]
    return {
        "Active": _boolean(form["Active"]),
        "ContactGroupID": 0,
        "GenderType": gender,
        "GenderTypeStr": _GENDERS[gender],
        **{name: form[name] or None for name in _TEXTS},
        **{name: _day(form[name]) for name in _DATES},
        **{name: form[name] or None for name in known - KEYS},
        "Labels": labels,
        "Deleted": False,
    }


def public_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored contact as ContactCreate returns it."""
    return {name: value for name, value in record.items() if name != "Labels"}


def search_result(record: Mapping[str, Any], profile: Profile) -> dict[str, Any]:
    """Return a stored contact as ContactSearch returns it under this profile."""
    shown = public_record(record)
    for name in _TEXTS:
        text = shown[name]
        shown[name] = profile.empty_text if text is None else _reshaped(text, profile)
    if shown["GenderType"] is None:
        shown["GenderType"] = profile.empty_gender
    if shown["GenderType"] is ...:
        del shown["GenderType"], shown["GenderTypeStr"]
    return shown | {"Mobile": int(profile.prefix + str(shown["Mobile"]).removeprefix("98"))}


def _reshaped(text: str, profile: Profile) -> str:
    """Return a text with other letters and line ends, if the profile reshapes texts."""
    if not profile.reshapes:
        return text
    arabic = text.translate(str.maketrans("یک", "يك")).replace("\n", "\r\n")
    return f"{arabic.upper() if '@' in arabic else arabic} "


def split_labels(text: str) -> list[str]:
    """Split labels as the portal does."""
    return [part.strip() for part in re.split(r"[,;|]", text) if part.strip()]


def group_list(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the labels of stored contacts as ContactGroupList returns them: as groups."""
    groups: dict[str, dict[str, Any]] = {}
    for record in records:
        for title in dict.fromkeys(record["Labels"]):
            group = groups.setdefault(
                title,
                {
                    "ContactGroupID": len(groups) + 1,
                    "Title": title,
                    "ContactsCount": 0,
                    "ContactsActiveCount": 0,
                },
            )
            group["ContactsCount"] += 1
            group["ContactsActiveCount"] += record["Active"]
    return list(groups.values())
