"""The part of the check that stores nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, NamedTuple

from webapp.cli.portal_check import CheckTable, Level, Reply, ask
from webapp.contact import EMPTY_VALUES, FIELDS, LABELS, MOBILE, Contact, Field, FieldKind, Value
from webapp.messages.portal_check import SAMPLE, SAMPLE_LABELS
from webapp.persian import comparison_key
from webapp.portal import MethodNotAllowed, PortalError, Refused, Rejected, Uncertain
from webapp.portal.answers import contact_id, is_same_number
from webapp.portal.client import AmootPortal, Empty, has_cancelled, payload

# Nobody has a number of this form: no operator has been given the prefix with these zeros.
_UNUSED_PREFIX: Final = "0900000"
_UNREADABLE: Final = ("UnreadableAnswer", "AnswerTooLong")
_NOT_OF_THE_TOKEN: Final = ("User_NotAllowMethod", "Token_NotAllowMethod")


def check_reading(
    portal: AmootPortal,
    wrong: AmootPortal,
    table: CheckTable,
    *,
    lines: Sequence[str],
    empty: Empty,
) -> Empty | None:
    """Make the calls that store nothing, and add a row for each one.

    Args:
        portal: The client.
        wrong: A client with a token that does not exist.
        table: Where the rows go.
        lines: The lines of the forms.
        empty: What is sent for empty fields, by the settings.

    Returns:
        What to send for empty fields for the portal to take them; None if it would take no contact.
    """
    if not _account(portal, table):
        return None
    _wrong_token(wrong, table)
    _labels(portal, table)
    unused = _UNUSED_PREFIX + "".join(secrets.choice("0123456789") for _ in range(4))
    _search(portal, table, unused)
    _lines(portal, table, unused, lines)
    return _empty_number(portal, table, empty)


def _account(portal: AmootPortal, table: CheckTable) -> bool:
    """Return whether it makes sense to go on."""
    reply = ask(portal, "AccountStatus")
    match reply.error:
        case None:
            table.add("account", reply, Level.FINE, "account.known")
        case MethodNotAllowed(status=status) if status in _NOT_OF_THE_TOKEN:
            table.add("account", reply, Level.CHANGE, "account.method", "allow")
        case Refused():
            table.add("account", reply, Level.WRONG, "account.refused", "account.refused")
            return False
        case Uncertain() as error if error.is_answer:
            table.add("account", reply, Level.WRONG, "unreadable", "report")
        case _:
            table.add("account", reply, Level.WRONG, "silent", "silent")
            return False
    return True


def _wrong_token(wrong: AmootPortal, table: CheckTable) -> None:
    reply = ask(wrong, "AccountStatus")
    match reply.error:
        case None:
            table.add("wrong-token", reply, Level.WRONG, "wrong-token.taken", "report")
        case Refused():
            table.add("wrong-token", reply, Level.FINE, "wrong-token.refused")
        case _:
            table.add("wrong-token", reply, Level.WRONG, "wrong-token.unread", "report")


def _labels(portal: AmootPortal, table: CheckTable) -> None:
    reply = ask(portal, "ContactGroupList")
    try:
        count = len(reply.records())
    except MethodNotAllowed:
        table.add("labels", reply, Level.CHANGE, "labels.not-allowed", "labels.not-allowed")
    except PortalError:
        table.add("labels", reply, Level.WRONG, "labels.unread", "report")
    else:
        table.add("labels", reply, Level.FINE, "labels.listed", count=count)


def _search(portal: AmootPortal, table: CheckTable, mobile: str) -> None:
    reply = ask(portal, "ContactSearch", [(MOBILE, mobile)])
    try:
        records = reply.records()
    except MethodNotAllowed:
        table.add("search", reply, Level.CHANGE, "search.not-allowed", "allow")
        return
    except PortalError:
        table.add("search", reply, Level.WRONG, "search.no-answer", "report")
        return
    if not records:
        table.add("search", reply, Level.FINE, "search.none")
    elif all(is_same_number(mobile, record.get(MOBILE)) for record in records):
        table.add("search", reply, Level.NOTE, "search.used")
    else:
        table.add("search", reply, Level.WRONG, "search.others", "report", count=len(records))


def _lines(portal: AmootPortal, table: CheckTable, mobile: str, lines: Sequence[str]) -> None:
    if not lines:
        table.add("line", Reply(method="IsBlackList_ByCancelation", facts="–"), Level.FINE,
                  "line.none")  # fmt: skip
    for number, line in enumerate(lines, start=1):
        reply = ask(portal, "IsBlackList_ByCancelation", [(MOBILE, mobile), ("LineNumber", line)])
        match reply.error:
            case None if reply.answer and not _says_whether_blocked(reply):
                table.add("line", reply, Level.WRONG, "line.unread", "report", number=number)
            case None if reply.answer and has_cancelled(reply.answer):
                table.add("line", reply, Level.NOTE, "line.blocked", number=number)
            case None:
                table.add("line", reply, Level.FINE, "line.free", number=number)
            case MethodNotAllowed():
                table.add("line", reply, Level.CHANGE, "line.not-allowed", "line", number=number)
            case _:
                table.add("line", reply, Level.CHANGE, "line.refused", "line", number=number)


def _says_whether_blocked(reply: Reply) -> bool:
    objects = reply.answer.objects() if reply.answer else ()
    return any(isinstance(item.get("IsBlackList"), bool) for item in objects)


def variants(empty: Empty) -> Iterator[tuple[str, Empty]]:
    """Yield what could be sent for empty fields, and the setting that does so.

    The first is what is sent now; the setting is "" then.
    """
    yield "", empty
    genders = {"omit": None, "empty": "", "false": "false", "true": "true"}
    for word, gender in genders.items():
        if gender != empty.gender:
            yield f"AMOOT_EMPTY_GENDER={word}", replace(empty, gender=gender)
    omitted = replace(empty, is_sent=not empty.is_sent)
    yield f"AMOOT_EMPTY={'send' if omitted.is_sent else 'omit'}", omitted
    if omitted != Empty(gender=None, is_sent=False):
        yield "AMOOT_EMPTY_GENDER=omit AMOOT_EMPTY=omit", Empty(gender=None, is_sent=False)


def is_about_number(error: PortalError | None) -> bool:
    """Return whether an error names the number as the reason."""
    return isinstance(error, Rejected) and MOBILE in error.fields


def is_about_form(error: PortalError | None) -> bool:
    """Return whether another form might be taken: the portal answered, and not about us."""
    if error is None or isinstance(error, Refused) or is_about_number(error):
        return False
    return error.is_answer and error.status not in _UNREADABLE


def _empty_number(portal: AmootPortal, table: CheckTable, empty: Empty) -> Empty | None:
    """Send a contact without a number, in other forms until only the number is refused."""
    tried = ((setting, form, ask(portal, "ContactCreate", _without_number(form)))
             for setting, form in variants(empty))  # fmt: skip
    setting, form, first = next(tried)
    reply = first
    while is_about_form(reply.error):
        try:
            setting, form, reply = next(tried)
        except StopIteration:
            break
    name = "empty-number"
    if reply.error is None:
        _stored_without_number(portal, table, reply)
        return None
    if is_about_number(reply.error) and not setting:
        table.add(name, first, Level.FINE, "empty-number.refused")
    elif is_about_number(reply.error):
        table.add(name, first, Level.CHANGE, "empty-number.form", setting, facts=reply.facts)
        return form
    elif isinstance(first.error, MethodNotAllowed):
        table.add(name, first, Level.CHANGE, "empty-number.not-allowed", "allow")
        return None
    elif isinstance(first.error, Refused):
        table.add(name, first, Level.WRONG, "empty-number.account", "account.refused")
        return None
    elif isinstance(first.error, Rejected) and first.error.fields:
        table.add(name, first, Level.CHANGE, "empty-number.name", "empty-number.name")
    elif is_about_form(first.error):
        table.add(name, first, Level.WRONG, "empty-number.unclear", "report")
    else:
        table.add(name, first, Level.WRONG, "empty-number.unread", "report")
    return empty if first.error and first.error.is_answer else None


def _without_number(empty: Empty) -> list[tuple[str, str]]:
    """Return a form with an empty number, which is sent even if empty fields are left out."""
    return [(MOBILE, "")] + [pair for pair in payload(Contact(), empty) if pair[0] != MOBILE]


def _stored_without_number(portal: AmootPortal, table: CheckTable, reply: Reply) -> None:
    """Delete a contact that was stored although it has no number."""
    # Only contacts without a number: the answer might name another one, which must stay.
    ids: Mapping[int, None] = dict.fromkeys(
        number for item in (reply.answer.objects() if reply.answer else ())
        if not item.get(MOBILE, "unknown") and (number := contact_id(item)) is not None
    )  # fmt: skip
    left = [number for number in ids
            if ask(portal, "ContactDelete", [("ContactID", str(number))]).error]  # fmt: skip
    is_gone = bool(ids) and not left
    table.add(
        "empty-number",
        reply,
        Level.WRONG,
        "empty-number.deleted" if is_gone else "empty-number.stored",
        "report" if is_gone else "by-hand",
        private={"ids": ", ".join(map(str, left)) or "?"},
    )


BORN: Final = date(1990, 3, 21)
# The first two distinguish the contacts of the check; the others are left empty.
CREATED_AGAIN, EDITED, BLANKED, OMITTED = "CustomText1", "CustomText2", "CityName", "JobTitle"
_HOST: Final = "example.com"
_LONGEST_PART: Final = 63  # of a host name, and of what stands before the at sign
_DAY_LENGTH: Final = 10
_HALF_SPACE: Final = "\u200c"
_QUARTER: Final = timedelta(minutes=15)


def sample(mobile: str, *, is_long: bool) -> Contact:
    """Return a contact with a text in each field, a date, two labels and no gender.

    Args:
        mobile: Its number.
        is_long: Whether each text is as long as the form allows.
    """
    values: dict[str, Value] = {
        name: _text(row, is_long=is_long)
        for name, row in FIELDS.items()
        if row.kind in {FieldKind.TEXT, FieldKind.LINES, FieldKind.EMAIL}
    }
    born = next(name for name, row in FIELDS.items() if row.in_past)
    labels = tuple(label(number, is_long=is_long) for number in range(2))
    return Contact(**values | {MOBILE: mobile, born: BORN, LABELS: labels})


def label(number: int, *, is_long: bool) -> str:
    """Return a label of the check: 0 and 1 are the contact's, 2 is no contact's."""
    return _fill(SAMPLE_LABELS[number], FIELDS[LABELS].max_length if is_long else 0)


def changed(contact: Contact, values: Mapping[str, Value]) -> Contact:
    """Return a contact with some values changed."""
    return Contact(**{**contact.values, **values})


def _text(row: Field, *, is_long: bool) -> str:
    if row.kind is FieldKind.EMAIL:
        return _email(row.max_length if is_long else 0)
    text = _fill(SAMPLE, row.max_length if is_long else 0)
    return text.replace(" ", "\n", 1) if row.kind is FieldKind.LINES else text


def _fill(text: str, length: int) -> str:
    """Return a text repeated up to this length, which ends in a letter; once if it is 0."""
    if not length:
        return text
    filled = (f"{text} " * length)[:length]
    return filled[:-1] + SAMPLE[0] if filled[-1] in f" {_HALF_SPACE}" else filled


def _email(length: int) -> str:
    host = _HOST
    while (room := length - len(host) - _LONGEST_PART - 3) > 0:
        host = f"{'b' * min(room, _LONGEST_PART)}.{host}"
    return f"{'a' * min(max(length - len(host) - 1, 1), _LONGEST_PART)}@{host}"


class Change(NamedTuple):
    """What the portal has changed of a field, without the value."""

    name: str
    text: str
    is_cut: bool = False


def differences(sent: Contact, stored: Mapping[str, Any]) -> Iterator[Change]:
    """Yield what the portal has changed of the fields that were sent, but for number and labels."""
    for name, row in FIELDS.items():
        value = sent[name]
        if row.kind in {FieldKind.LABELS, FieldKind.MOBILE} or value in EMPTY_VALUES:
            continue
        if name not in stored:
            yield Change(name, "not returned")
        elif isinstance(value, date):
            if str(stored[name])[:_DAY_LENGTH] != value.isoformat():
                yield Change(name, "another day")
        elif isinstance(value, str) and stored[name] != value:
            yield _difference(name, value, stored[name])


def grouped(changes: Iterable[Change]) -> list[str]:
    """Return changes by what they are, with the names of the fields."""
    names: dict[str, list[str]] = {}
    for change in changes:
        names.setdefault(change.text, []).append(change.name)
    return [f"{text}: {', '.join(fields)}" for text, fields in names.items()]


def _difference(name: str, sent: str, stored: object) -> Change:
    if not isinstance(stored, str):
        return Change(name, "null" if stored is None else "no text")
    key, stored_key = comparison_key(sent), comparison_key(stored)
    if stored_key != key and stored_key and key.startswith(stored_key):
        return Change(name, f"cut from {len(sent)} to {len(stored)}", is_cut=True)
    if stored_key.casefold() != key.casefold():
        return Change(name, "another text")
    lost = _HALF_SPACE in sent and _HALF_SPACE not in stored
    return Change(name, "no half-spaces" if lost else "other letters or spaces")


def time_zone(stored: Mapping[str, Any]) -> timedelta | None:
    """Return the portal's time minus UTC, by a contact that it has just stored; None if unknown."""
    try:
        updated_at = datetime.fromisoformat(str(stored.get("UpdateDateTime")))
    except ValueError:
        return None
    now = datetime.now(UTC)
    offset = updated_at - now if updated_at.tzinfo else updated_at.replace(tzinfo=UTC) - now
    return round(offset / _QUARTER) * _QUARTER


def zone_name(offset: timedelta | None) -> str:
    """Return an offset from UTC as hours and minutes."""
    if offset is None:
        return "no time"
    sign, minutes = "-" if offset < timedelta(0) else "+", abs(offset) // timedelta(minutes=1)
    return f"UTC{sign}{minutes // 60:02}:{minutes % 60:02}"


def number_shape(stored: Mapping[str, Any]) -> str:
    """Return how a stored number is written: its type, and what stands before ten digits."""
    number = stored.get(MOBILE)
    kind = "text" if isinstance(number, str) else "number"
    return f"{MOBILE}: {kind} {str(number)[:-10]}9..."
