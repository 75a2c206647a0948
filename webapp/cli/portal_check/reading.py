"""The part of the check that stores nothing."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from webapp.cli.portal_check.asking import Reply, ask
from webapp.cli.portal_check.table import Level
from webapp.contact import MOBILE, Contact
from webapp.portal.answers import contact_id, is_same_number
from webapp.portal.base import MethodNotAllowed, PortalError, Refused, Rejected, Uncertain
from webapp.portal.client import Empty, has_cancelled, payload

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from webapp.cli.portal_check.table import Table
    from webapp.portal.client import AmootPortal

# Nobody has a number of this form: no operator has been given the prefix with these zeros.
_UNUSED_PREFIX: Final = "0900000"
_UNREADABLE: Final = ("UnreadableAnswer", "AnswerTooLong")
_NOT_OF_THE_TOKEN: Final = ("User_NotAllowMethod", "Token_NotAllowMethod")


@dataclass(frozen=True, slots=True)
class Found:
    """What the part that stores nothing has found out.

    Attributes:
        may_create: Whether it makes sense to create a contact.
        empty: What to send for empty fields, so that the portal takes them.
    """

    may_create: bool
    empty: Empty


def check_reading(
    portal: AmootPortal,
    wrong: AmootPortal,
    table: Table,
    *,
    lines: Sequence[str],
    empty: Empty,
) -> Found:
    """Make the calls that store nothing, and add a row for each one.

    Args:
        portal: The client.
        wrong: A client with a token that does not exist.
        table: Where the rows go.
        lines: The lines of the forms.
        empty: What is sent for empty fields, by the settings.
    """
    if not _account(portal, table):
        return Found(may_create=False, empty=empty)
    _wrong_token(wrong, table)
    _labels(portal, table)
    unused = _UNUSED_PREFIX + "".join(secrets.choice("0123456789") for _ in range(4))
    _search(portal, table, unused)
    _lines(portal, table, unused, lines)
    return _empty_number(portal, table, empty)


def _account(portal: AmootPortal, table: Table) -> bool:
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


def _wrong_token(wrong: AmootPortal, table: Table) -> None:
    reply = ask(wrong, "AccountStatus")
    match reply.error:
        case None:
            table.add("wrong-token", reply, Level.WRONG, "wrong-token.taken", "report")
        case Refused():
            table.add("wrong-token", reply, Level.FINE, "wrong-token.refused")
        case _:
            table.add("wrong-token", reply, Level.WRONG, "wrong-token.unread", "report")


def _labels(portal: AmootPortal, table: Table) -> None:
    reply = ask(portal, "ContactGroupList")
    try:
        count = len(reply.records())
    except MethodNotAllowed:
        table.add("labels", reply, Level.CHANGE, "labels.not-allowed", "labels.not-allowed")
    except PortalError:
        table.add("labels", reply, Level.WRONG, "labels.unread", "report")
    else:
        table.add("labels", reply, Level.FINE, "labels.listed", count=count)


def _search(portal: AmootPortal, table: Table, mobile: str) -> None:
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


def _lines(portal: AmootPortal, table: Table, mobile: str, lines: Sequence[str]) -> None:
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


def _empty_number(portal: AmootPortal, table: Table, empty: Empty) -> Found:
    """Send a contact without a number, in other forms until the number alone is refused."""
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
        return Found(may_create=False, empty=empty)
    if is_about_number(reply.error) and not setting:
        table.add(name, first, Level.FINE, "empty-number.refused")
    elif is_about_number(reply.error):
        table.add(name, first, Level.CHANGE, "empty-number.form", setting, facts=reply.facts)
        return Found(may_create=True, empty=form)
    elif isinstance(first.error, MethodNotAllowed):
        table.add(name, first, Level.CHANGE, "empty-number.not-allowed", "allow")
        return Found(may_create=False, empty=empty)
    elif isinstance(first.error, Refused):
        table.add(name, first, Level.WRONG, "empty-number.account", "account.refused")
        return Found(may_create=False, empty=empty)
    elif isinstance(first.error, Rejected) and first.error.fields:
        table.add(name, first, Level.CHANGE, "empty-number.name", "empty-number.name")
    elif is_about_form(first.error):
        table.add(name, first, Level.WRONG, "empty-number.unclear", "report")
    else:
        table.add(name, first, Level.WRONG, "empty-number.unread", "report")
    return Found(may_create=bool(first.error and first.error.is_answer), empty=empty)


def _without_number(empty: Empty) -> list[tuple[str, str]]:
    """Return a form with an empty number, which is sent whatever else is left out."""
    return [(MOBILE, "")] + [pair for pair in payload(Contact(), empty) if pair[0] != MOBILE]


def _stored_without_number(portal: AmootPortal, table: Table, reply: Reply) -> None:
    """Delete a contact that was stored although it has no number."""
    # Only a contact that has no number: another one is not to be deleted, whatever the answer is.
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
