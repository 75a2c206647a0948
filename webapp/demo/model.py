"""How the portal stores and returns contacts, by our reading of its reference."""

from __future__ import annotations

import datetime as dt
import enum
import itertools
import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from webapp.contact import FIELDS
from webapp.demo.faults import PLAIN, Fault, Profile, Shape, SimulatedAnswer, json_answer, page

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


class StatusError(Exception):
    """The call is answered with an error, whose name this holds."""


_TEXTS: Final = (
    *("FName", "LName", "CompanyTitle", "JobTitle", "Email", "CityName", "AddressText"),
    *("CustomText1", "CustomText2", "CustomText3", "CustomText4", "CustomText5", "CustomText6"),
)
_DATES: Final = ("BornDate", "AnniversaryDate", "CustomDate1", "CustomDate2", "CustomDate3")
# Of the reference. Rows that the field table has besides are taken as texts.
_KEYS: Final = {"ContactGroupID", "Active", "Mobile", "GenderType", "Labels", *_TEXTS, *_DATES}
# Some samples of the reference leave out `Active`; Python's requests leaves out a date of None.
_OMISSIBLE: Final = {"Active", *_DATES}
# As the samples write them: JSON and cURL, Python and C#, PHP.
_BOOLEANS: Final = {
    **dict.fromkeys(("true", "True", "1"), True),
    **dict.fromkeys(("false", "False", "0"), False),
}
_LABELS: Final = re.compile(r"Labels(\[[0-9]*\])?")  # the brackets are cURL's and PHP's
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


def _text(text: str) -> str | None:
    return text or None


def _gender(text: str, profile: Profile) -> bool | None:
    if text:
        return _boolean(text)
    if profile.gender == "required":
        raise InvalidFormError
    return False if profile.gender == "false" else None


def _day(text: str) -> str | None:
    if not text:
        return None
    if not _DATE.fullmatch(text):
        raise InvalidFormError
    try:
        return f"{dt.date.fromisoformat(text)}T00:00:00"
    except ValueError as error:
        raise InvalidFormError from error


def _mobile(text: str) -> int:
    mobile = normal_mobile(text)
    if mobile is None:
        raise StatusError("Mobile_Invalid" if text else "Mobile_Empty")
    return mobile


_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "Active": _boolean,
    **dict.fromkeys(_DATES, _day),
}


def read_form(
    pairs: Iterable[tuple[str, str]], profile: Profile, *, edits: bool = False
) -> dict[str, Any]:
    """Return the values of a form of ContactCreate or ContactEdit, as they are stored.

    Args:
        pairs: The form, without `ContactID`.
        profile: Decides what may be left out, and what no gender means.
        edits: Whether it is ContactEdit's, where labels may be left out.

    Raises:
        InvalidFormError: if a key is missing, unknown or repeated, or a value has a wrong type.
        StatusError: if the number is empty or wrong.
    """
    named = [("Labels" if _LABELS.fullmatch(name) else name, text) for name, text in pairs]
    form = dict(named)
    singles = [name for name, _ in named if name != "Labels"]
    known = _KEYS | FIELDS.keys()
    required = {"Mobile"} if profile.may_omit else _KEYS - _OMISSIBLE
    required = required - {"Labels"} if edits else required
    is_complete = required <= form.keys() <= known and len(singles) == len(set(singles))
    if not is_complete or form.get("ContactGroupID", "0") != "0":
        raise InvalidFormError
    stored: dict[str, Any] = {
        name: _READERS.get(name, _text)(text)
        for name, text in form.items()
        if name not in {"ContactGroupID", "GenderType", "Labels", "Mobile"}
    }
    if "GenderType" in form or profile.gender != "optional":
        stored["GenderType"] = _gender(form.get("GenderType", ""), profile)
    if "Labels" in form:
        labels = [split_labels(text) for name, text in named if name == "Labels"]
        stored["Labels"] = list(itertools.chain.from_iterable(labels))
    return stored | {"Mobile": _mobile(form["Mobile"])}


def new_contact(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a contact with these values, without an ID; the others are empty."""
    empty = dict.fromkeys(("GenderType", *_TEXTS, *_DATES, *FIELDS))
    return {**empty, "Active": True, "ContactGroupID": 0, "Labels": [], "Deleted": False, **values}


def public_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored contact as ContactCreate returns it."""
    shown = {name: value for name, value in record.items() if name != "Labels"}
    return shown | {"GenderTypeStr": _GENDERS[record["GenderType"]]}


def edited_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored contact as ContactEdit returns it: its number without a prefix."""
    return public_record(record) | {"Mobile": int(str(record["Mobile"]).removeprefix("98"))}


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


class Phonebook:
    """A log of changes, each with the time from which it counts, in UTC: some come late.

    It is not safe to share between threads.
    """

    def __init__(self, kept: int) -> None:
        """Keep as many changes as this."""
        self._changes: deque[tuple[dt.datetime, dict[str, Any]]] = deque(maxlen=kept)
        self._ids = itertools.count(1)

    def contacts(self, at: dt.datetime) -> list[dict[str, Any]]:
        """Return the contacts as they were at a time, the oldest first, without deleted ones."""
        latest = {record["ID"]: record for since, record in self._changes if since <= at}
        return [record for record in latest.values() if not record["Deleted"]]

    def create(
        self, values: Mapping[str, Any], profile: Profile, at: dt.datetime
    ) -> dict[str, Any]:
        """Store a contact, or what the profile makes of one whose number is known; return it.

        Raises:
            StatusError: if the number is known, and the profile refuses it then.
        """
        contact = {**new_contact(values), "ID": next(self._ids)}
        if profile.known == "second":
            return self._store(contact, at)
        same = [it for it in self.contacts(at) if it["Mobile"] == values["Mobile"]]
        if same and profile.known == "refused":
            raise StatusError("Mobile_Duplicate")  # not documented, as any status would be
        return self._store({**same[-1], **values} if same else contact, at)

    def edit(
        self, number: str, values: Mapping[str, Any], profile: Profile, at: dt.datetime
    ) -> dict[str, Any]:
        """Replace all values of a contact, and return it.

        Raises:
            StatusError: if no contact has this ID.
        """
        former = self._find(number, at)
        kept = {"Labels": former["Labels"]} if profile.keeps_labels else {}
        return self._store({**new_contact({**kept, **values}), "ID": former["ID"]}, at)

    def delete(self, number: str, at: dt.datetime) -> None:
        """Delete a contact.

        Raises:
            StatusError: if no contact has this ID.
        """
        self._store({**self._find(number, at), "Deleted": True}, at)

    def clear(self) -> None:
        """Delete everything."""
        self._changes.clear()

    def _find(self, number: str, at: dt.datetime) -> dict[str, Any]:
        for record in self.contacts(at):
            if str(record["ID"]) == number:
                return record
        raise StatusError("ContactID_Invalid")

    def _store(self, record: dict[str, Any], at: dt.datetime) -> dict[str, Any]:
        record["UpdateDateTime"] = at.isoformat(timespec="milliseconds")
        self._changes.append((at, record))
        return record


def created_answer(
    shape: Shape, status: str, contact: Mapping[str, Any] | None = None
) -> SimulatedAnswer:
    """Return ContactCreate's answer in this shape.

    Args:
        shape: The shape.
        status: "Success", or the name of an error.
        contact: As it is stored; None after an error.
    """
    documented = {"Status": status, "Data": contact}
    answers = {
        Shape.DATA: json_answer(documented),
        Shape.WRAPPED: json_answer({"ReturnValue": documented}),
        Shape.ARRAY: json_answer([documented]),
        Shape.BARE: json_answer(status),
        Shape.TEXT: SimulatedAnswer(status.encode(), content_type=PLAIN),
        Shape.CONTACT: json_answer({"ReturnValue": status if contact is None else contact}),
        Shape.UNREADABLE: page(200),
    }
    return answers[shape]


def found_answer(found: Iterable[Mapping[str, Any]], profile: Profile) -> SimulatedAnswer:
    """Return ContactSearch's answer, under this profile."""
    shown = [search_result(contact, profile) for contact in found]
    data = shown or profile.no_match
    content = {"Status": "Success"}
    return json_answer(content if data is ... else content | {"Data": data})
