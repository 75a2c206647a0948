"""The English texts of the check; the Persian ones are in `webapp.messages.portal_check`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

TITLE: Final = "Check of the portal"
COLUMNS: Final = ("asked", "answered", "what it means", "to change")
LEVELS: Final[Mapping[str, str]] = MappingProxyType(
    {"fine": "OK", "note": "NOTE", "change": "CHANGE", "wrong": "WRONG"}
)
SENTENCES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "begins": (
            "A test contact with the number {mobile} is being created. If this command is ended "
            "before the row `delete` is shown, delete the contact in the portal's panel."
        ),
        "ended": (
            "The command was ended before everything was deleted. Look for {mobile} in the "
            "portal's panel."
        ),
        "not-created": "No test contact was created, because of what is wrong above.",
        "sum": "OK: {fine}. To know: {note}. To change: {change}. Wrong: {wrong}.",
    }
)
ASKED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "account": "with the token",
        "wrong-token": "with a token that does not exist",
        "labels": "all labels",
        "search": "a number that nobody has",
        "line": "whether that number has blocked a form's line",
        "empty-number": "a contact without a number",
        "known": "the number of the test contact",
        "create": "a contact with everything at its longest",
        "appears": "until the contact is found",
        "values": "what is stored of it",
        "gender": "what is stored for no gender",
        "clock": "when it was stored",
        "label-search": "by each label, and by another one",
        "again": "the same number, one text changed, one blank",
        "omitted": "the same number, empty fields left out",
        "edit": "one text changed, without labels",
        "delete": "what was created",
        "labels-left": "what is left",
    }
)
MEANINGS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "silent": "No answer came ({status}). Nothing else was asked.",
        "unreadable": "The program cannot read this answer ({status}).",
        "account.known": "The portal knows the token.",
        "account.method": "The token may not use this method. The program asks it whether the "
        "portal works again, and takes this refusal for a refused account.",
        "account.refused": "The portal refuses the account, the token or this machine ({status}).",
        "wrong-token.refused": "The program recognises a refused token and pauses the queue.",
        "wrong-token.taken": "The portal does not look at the token here: a pause of the queue "
        "because of the token ends too early.",
        "wrong-token.unread": "The program does not recognise a refused token: it would take it "
        "for an outage ({status}).",
        "labels.listed": "The labels can be suggested to operators: {count}.",
        "labels.not-allowed": "Labels are not suggested to operators.",
        "labels.unread": "The program cannot read the list: labels are not suggested ({status}).",
        "search.none": "The program reads that there is no such contact.",
        "search.used": "Somebody has stored this number. The list can be read.",
        "search.others": "The search returns contacts with other numbers: {count}.",
        "search.not-allowed": "The token may not search. After a lost response a contact is sent "
        "once more, then held; known numbers are not noticed.",
        "search.no-answer": "The program cannot read whether there is a contact ({status}). After "
        "a lost response a contact is sent once more, then held.",
        "line.none": "No form names a line: nothing to ask.",
        "line.free": "The program reads that line {number} is not blocked.",
        "line.blocked": "The portal says that this unused number has blocked line {number}.",
        "line.unread": "The program does not find an answer for line {number}.",
        "line.not-allowed": "The token may not ask: receipts do not mention a blocked line.",
        "line.refused": "The portal does not answer for line {number} ({status}).",
        "empty-number.refused": "The form is read, the token may create contacts, and a missing "
        "number is refused. Whether the portal looks at the gender and the dates before the "
        "number, only `--create` shows.",
        "empty-number.form": "Refused for another reason than the number ({status}); the portal "
        "reads the form with the setting beside this.",
        "empty-number.not-allowed": "The token may not create contacts: nothing can be sent.",
        "empty-number.account": "The portal refuses the account ({status}): nothing can be sent.",
        "empty-number.name": "The portal requires more than the number ({status}).",
        "empty-number.unclear": "Refused for a reason that is not the number ({status}).",
        "empty-number.unread": "The program cannot read this answer ({status}). Look into the "
        "panel whether a contact without a number was stored.",
        "empty-number.deleted": "The portal stored a contact without a number. It was deleted.",
        "empty-number.stored": "The portal stored a contact without a number. IDs: {ids}.",
        "known.none": "The portal has no contact with {mobile}.",
        "known.found": "The portal has a contact with {mobile}. Nothing was created.",
        "known.not-allowed": "Nothing was created: without the search, nobody could tell what "
        "became of it.",
        "known.no-answer": "Nothing was created: the search cannot be read ({status}).",
        "create.created": "The program reads that the contact is stored.",
        "create.form": "Not stored as it is sent now; stored with the setting beside this.",
        "create.short": "Not stored with the longest texts; stored with short ones.",
        "create.unread": "The contact is stored, but the program cannot read that ({status}). "
        "Each contact would be looked up; without a search it would be sent twice and held.",
        "create.number": "The portal does not take this number ({status}). Nothing was stored.",
        "create.rejected": "The portal does not take the contact in any form ({status}).",
        "create.failed": "The contact was not stored, or not within the time ({status}).",
        "appears.in-time": "Found after {delay} s, within the {settle} s that the program waits.",
        "appears.late": "Found after {delay} s; the program looks after {settle} s, and would "
        "send a contact twice whose response was lost.",
        "appears.never": "Answered as stored, but not found within {delay} s.",
        "values.same": "Stored as it was sent.",
        "values.spelling": "Stored with another spelling, which the program recognises.",
        "values.cut": "The portal cuts texts. A contact whose response was lost would not be "
        "recognised, and would be sent again.",
        "values.other": "The program does not recognise its own contact: after a lost response "
        "it would be sent again.",
        "gender.none": "No gender stays no gender.",
        "gender.false": "Contacts without a gender are stored as women.",
        "gender.true": "Contacts without a gender are stored as men.",
        "clock.near": "Within a day of our clock: contacts of a lost response are found.",
        "clock.far": "More than a day from our clock: such contacts are not recognised.",
        "clock.unknown": "The portal does not say. Older contacts with the same values count, too.",
        "label-search.found": "Each label is found, and no other one.",
        "label-search.ignored": "The search does not look at labels: after a lost response the "
        "values alone decide.",
        "label-search.refused": "Labels cannot be searched ({status}): after a lost response the "
        "values alone decide.",
        "label-search.lost": "A label is not found: it was cut or not stored. After a lost "
        "response the contact would be sent again.",
        "again.second": "A known number gets a second contact.",
        "again.updated": "A known number's contact is updated; an empty field leaves what is "
        "stored.",
        "again.blanked": "A known number's contact is updated, and an empty value erases what is "
        "stored: a stranger could blank a stored contact.",
        "again.refused": "A known number is refused ({status}).",
        "again.ignored": "Answered as stored, but neither a second contact nor a change is found.",
        "omitted.kept": "What is left out stays as it was stored: the setting above helps.",
        "omitted.erased": "What is left out is erased as well: no setting helps.",
        "omitted.refused": "A form without the empty fields is not taken ({status}): no setting "
        "helps.",
        "edit.kept": "Labels that are not sent stay: operators may correct what is delivered.",
        "edit.dropped": "Labels that are not sent are lost: contacts must not be edited.",
        "edit.unknown": "Whether labels that are not sent stay cannot be told without a search "
        "by labels: contacts should not be edited.",
        "edit.not-allowed": "The token may not edit contacts; the program needs it only with "
        "{edit_setting}.",
        "edit.failed": "The change is not found ({status}): contacts should not be edited.",
        "delete.deleted": "All that was created is deleted: {count}.",
        "delete.left": "These are still there with {mobile}. IDs: {ids}.",
        "delete.not-allowed": "The token may not delete, and the program does not need to. Still "
        "there with {mobile}: IDs {ids}.",
        "delete.perhaps": "Nothing is found, but a contact with {mobile} may still appear.",
        "delete.nothing": "Nothing was stored.",
        "labels-left.none": "The labels of the test contact are gone, too.",
        "labels-left.some": "The portal may keep the two labels of the test contact.",
    }
)  # fmt: skip
CHANGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "allow": "the portal's panel: allow {method} for the token",
        "account.refused": "{token_setting}, or account, token and IP address in the panel",
        "silent": "{url_setting}, or the way out of the network",
        "report": "send the report to the program's maintainers: {report_option}",
        "labels.not-allowed": "the panel: allow {method}; or {labels_setting}",
        "line": "{line_key} in {forms_file}, or the panel",
        "empty-number.name": "{required_key} in {forms_file}",
        "known.found": "another number of your own",
        "lengths": "{lengths_key} in {lengths_file}",
        "duplicates": "{duplicates_key} in {forms_file} lets operators decide",
        "by-hand": "delete it in the portal's panel",
        "labels-left": "delete them in the portal's panel",
    }
)
