"""A portal that is a list in memory, and fails as it is told to."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import cast

from webapp.contact import Contact
from webapp.portal import KnownContact, Label, PortalError


class AddressBook:
    """A portal that is a list, and fails as it is told to."""

    def __init__(self) -> None:
        """Begin empty."""
        self.contacts: list[Contact] = []
        self.failures: list[tuple[PortalError, bool]] = []
        self.search_error: PortalError | Callable[[], PortalError] | None = None
        self.label_error: PortalError | None = None

    def create_contact(self, contact: Contact) -> int | None:
        """Store a contact, unless a failure is planned that does not store it."""
        failure, is_stored = self.failures.pop(0) if self.failures else (None, True)
        if is_stored:
            self.contacts.append(contact)
        if failure:
            raise failure
        return len(self.contacts)

    def edit_contact(self, number: int, contact: Contact) -> None:
        """Replace a contact."""
        self.contacts[number - 1] = contact

    def known_contacts(self, mobile: str, *, label: str = "") -> list[KnownContact]:
        """Compare the number."""
        assert not label
        return [
            KnownContact(names=[str(stored["FName"])], company="", city="", changed_on=None)
            for stored in self.contacts
            if stored["Mobile"] == mobile
        ]

    def find_contacts(self, contact: Contact, *, since: datetime) -> list[int | None]:
        """Compare all values but the labels."""
        assert since
        if self.search_error:
            error = self.search_error
            raise error if isinstance(error, PortalError) else error()
        known = [dict(stored.values) | {"Labels": contact["Labels"]} for stored in self.contacts]
        return [number for number, values in enumerate(known, 1) if values == contact.values]

    def with_labels(
        self, contact: Contact, ids: list[int | None], *, until: float
    ) -> list[int | None]:
        """Compare the labels."""
        assert until
        if self.label_error:
            raise self.label_error
        labels = [stored["Labels"] for stored in self.contacts]
        return [number for number in ids if number and labels[number - 1] == contact["Labels"]]

    def labels(self) -> list[Label]:
        """Count the labels."""
        used = Counter(
            label for stored in self.contacts for label in cast("tuple[str]", stored["Labels"])
        )
        return [Label(name, contacts) for name, contacts in used.items()]

    def ping(self) -> None:
        """Answer."""
