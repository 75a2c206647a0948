"""The services of all features, built once for a process; and the rows of all, encrypted anew.

Only this module knows all features and their tables.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Final, Self

from sqlalchemy import Column, RowMapping, Table, bindparam, func, select, update

from webapp.alerts import CHECK_INTERVAL_S, Alerts
from webapp.alerts.problems import FETCH_INTERVAL_S, FIRST_FETCH_S, Credit
from webapp.contact import MOBILE
from webapp.database import Database, DatabaseError
from webapp.database.encryption import DAMAGED, UnreadableText
from webapp.forms.definitions import FormDefinition
from webapp.imports import Imports, tables
from webapp.imports.feeder import FEED_INTERVAL_S
from webapp.imports.known import SEARCH_INTERVAL_S, PhonebookSearch
from webapp.observability.metrics import Metrics
from webapp.outbox import Outbox
from webapp.outbox import rows as submission
from webapp.outbox.circuit_breaker import CircuitBreaker, Permits
from webapp.outbox.review import FAILOVER_INTERVAL_S
from webapp.outbox.rows import NEEDS_ATTENTION, WAITING, Timing
from webapp.outbox.sender import AcceptedLengths, Sender
from webapp.outbox.submit import Intake
from webapp.outbox.worker import PURGE_INTERVAL_S, Worker
from webapp.phonebook import DEADLINE_S, Corrections, Duplicates, LabelList, OptionalQuestion
from webapp.portal.client import AmootPortal, Empty
from webapp.portal.transport import Route
from webapp.settings import Settings
from webapp.statistics import Capacity, Places, Statistics
from webapp.statistics.funnel import CodeCounts, Funnel
from webapp.verification import Verification
from webapp.verification.codes import Codes
from webapp.verification.limits import limits_of
from webapp.verification.sender import CodeSender
from webapp.verification.unverified import Unverified

log = logging.getLogger(__name__)

_COUNT_CAP: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class QueueGauges:
    """The gauges of the queue.

    Attributes:
        values: By name; empty while the database is down.
        reason: The status for which the queue is paused, or "".
        codes_reason: The status for which no code is sent, or "".
    """

    values: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    codes_reason: str = ""


def read_gauges(delivery: DeliveryServices) -> QueueGauges:
    """Read the gauges; ages are by the database's clock."""
    review = delivery.outbox.review
    try:
        pause, codes_reason = delivery.breaker.read_pause(), delivery.codes.trouble.read()
        values = {
            "queue_depth": review.count(WAITING, most=_COUNT_CAP),
            "queue_oldest_seconds": review.oldest_age().total_seconds(),
            "queue_paused": int(pause is not None),
            "queue_probe_seconds": pause.until_probe.total_seconds() if pause else 0,
            "needs_hand": review.count(NEEDS_ATTENTION, most=_COUNT_CAP),
            "unreadable": delivery.reencryption.count_unreadable(),
            "codes_failing": int(bool(codes_reason)),
        }
    except DatabaseError:
        return QueueGauges()
    return QueueGauges(values, pause.status if pause else "", codes_reason)


_COUNT_INTERVAL_S: Final = 5.0
_EMPTY_GENDERS: Final[Mapping[str, str | None]] = {"empty": "", "omit": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryServices:
    """The services that the web pages and the commands share.

    They open no connection and start no thread before their first use: a server may fork after
    building them.
    """

    portal: AmootPortal
    database: Database
    outbox: Outbox
    places: Places
    reencryption: Reencryption
    breaker: CircuitBreaker
    duplicates: Duplicates
    corrections: Corrections
    sender: Sender
    intake: Intake
    verification: Verification
    codes: Codes
    is_line_blocked: OptionalQuestion[bool]
    labels: LabelList
    funnel: Funnel
    statistics: Statistics
    imports: Imports
    phonebook_search: PhonebookSearch
    worker: Worker
    credit: Credit

    @classmethod
    def build(
        cls, settings: Settings, *, portal_url: str, token: str, metrics: Metrics | None = None
    ) -> Self:
        """Build the services for the portal at this address."""
        timing = Timing(
            deadline=timedelta(seconds=settings.amoot_deadline),
            settle=timedelta(seconds=settings.amoot_settle),
        )
        empty = Empty(
            gender=_EMPTY_GENDERS.get(settings.amoot_empty_gender, settings.amoot_empty_gender),
            is_sent=settings.amoot_empty == "send",
        )
        connect = partial(
            AmootPortal,
            url=portal_url,
            token=token,
            empty=empty,
            metrics=metrics,
            # The simulator of the demo is on this machine.
            route=Route(None if settings.demo else settings.portal_proxy, settings.portal_ca_file),
        )
        portal = connect(deadline=settings.amoot_deadline)
        searching = connect(deadline=min(DEADLINE_S, settings.amoot_deadline))
        database = Database.from_settings(settings, metrics=metrics)
        outbox = Outbox(database, timing)
        reencryption = Reencryption(database)
        breaker = CircuitBreaker(database)
        imports = Imports(database, breaker, timing, rate=settings.import_rate)
        permits = Permits(settings.portal_calls, max_waiting=settings.max_waiting, metrics=metrics)
        sender = Sender(portal, outbox, breaker, timing, AcceptedLengths(database), metrics)
        funnel = Funnel(database)
        counts = CodeCounts(funnel, metrics)
        intake = Intake(sender, outbox, breaker, timing, permits=permits, metrics=metrics)
        codes = Codes(
            *(database, settings.secret_keys),
            per_day=settings.codes_per_day,
            limits=limits_of(settings),
        )
        unverified = Unverified(database, timing, outbox.guards)
        code_sender = CodeSender(
            *(portal, intake, unverified, codes), breaker=breaker, counts=counts
        )
        services = cls(
            portal=portal,
            database=database,
            outbox=outbox,
            places=Places(database, outbox),
            reencryption=reencryption,
            breaker=breaker,
            duplicates=Duplicates(searching, outbox, breaker),
            corrections=Corrections(portal, intake),
            sender=sender,
            intake=intake,
            verification=Verification(
                *(intake, unverified, codes), sender=code_sender, counts=counts
            ),
            codes=codes,
            is_line_blocked=OptionalQuestion(searching.is_blocked, breaker),
            labels=LabelList(portal, breaker, interval_s=settings.amoot_labels),
            funnel=funnel,
            statistics=Statistics(database),
            imports=imports,
            phonebook_search=PhonebookSearch(
                *(portal, database, breaker),
                rate=settings.import_rate,
                calls=settings.deliverer_calls,
            ),
            worker=Worker(outbox, breaker, sender, timing, calls=settings.deliverer_calls),
            credit=Credit(lambda: portal.account_status().credit, breaker, metrics),
        )
        services._register(unverified, Alerts.from_settings(settings, database, breaker))
        return services

    def use(self, forms: Mapping[str, FormDefinition]) -> None:
        """Limit the places of these forms, and count what imports hold of their choices."""
        for slug, form in forms.items():
            if form.capacity:
                since = form.opens.date() if form.opens else None
                self.places.limit(slug, Capacity(form.capacity, since))
            choices = {row.name: row.choices for row in form.fields if row.choices}
            self.imports.feeder.choices[slug] = choices

    def _register(self, unverified: Unverified, alerts: Alerts | None) -> None:
        """Register the features' work with the worker; the outbox knows none of them."""
        self.outbox.on_purge.append(self.statistics.add)
        self.outbox.review.on_mark_uncertain.append(self.imports.mark_uncertain)
        every = self.worker.every
        for work in (
            *(self.statistics.count_settled, self.statistics.purge),
            *(unverified.purge, self.imports.purge),
        ):
            every(PURGE_INTERVAL_S, work)
        every(_COUNT_INTERVAL_S, self.statistics.count_delivered)
        every(FEED_INTERVAL_S, self.imports.feeder.enqueue_due_rows)
        every(SEARCH_INTERVAL_S, self.phonebook_search.advance)
        self.worker.on_stop(self.phonebook_search.stop)
        every(REENCRYPTION_INTERVAL_S, self.reencryption.rewrite)
        every(UNREADABLE_INTERVAL_S, self.reencryption.log_unreadable)
        every(FAILOVER_INTERVAL_S, self.outbox.failover.check)
        every(FETCH_INTERVAL_S, self.credit.start_fetch, first_s=FIRST_FETCH_S)
        if alerts:
            every(CHECK_INTERVAL_S, alerts.start_check)
            self.worker.on_stop(alerts.finish)


REENCRYPTION_INTERVAL_S: Final = 5.0  # between two calls of `rewrite` by one worker
UNREADABLE_INTERVAL_S: Final = 60.0  # between two calls of `log_unreadable`

_BATCH_ROWS: Final = 500  # in one short transaction
_MAX_BATCHES: Final = 20  # at a time: the worker has other work as well


@dataclass(frozen=True, slots=True)
class _EncryptedTable:
    """A table with ciphertexts, and the column whose value they are bound to."""

    table: Table
    ciphertexts: tuple[str, ...]
    bound_to: str

    @property
    def key_id(self) -> Column[str]:
        return self.table.c.encrypted_with

    @property
    def changed(self) -> list[str]:
        """The columns that change with the key."""
        names = (*self.ciphertexts, "encrypted_with", "mobile_hash")
        return [name for name in names if name in self.table.c]


_TABLES: Final = (
    _EncryptedTable(submission.table, ("contact",), "key"),
    _EncryptedTable(tables.imports, ("reading",), "reference"),
    _EncryptedTable(tables.import_rows, ("cells", "contact", "faults", "differences"), "key"),
)


class Reencryption:
    """Encrypts rows anew after a rotation of `SECRET_KEY`, and counts rows that no key opens.

    Each method raises a DatabaseError if the database fails.
    """

    def __init__(self, database: Database) -> None:
        """Use this database, and its keys."""
        self._database = database
        self._encryption = database.encryption
        self._logged = 0

    def rewrite(self) -> None:
        """Encrypt up to ten thousand rows of each table with the newest key."""
        _, *older = self._encryption.key_ids
        if not older:
            return
        for encrypted in _TABLES:
            rows = select(encrypted.table).where(encrypted.key_id.in_(older)).limit(_BATCH_ROWS)
            for _ in range(_MAX_BATCHES):
                with self._database.read() as connection:
                    batch = connection.execute(rows).mappings().all()
                if not batch:
                    break
                with self._database.write() as connection:
                    changes = [self._rewritten(encrypted, row) for row in batch]
                    connection.execute(_rewriting(encrypted), changes)

    def _rewritten(self, encrypted: _EncryptedTable, row: RowMapping) -> dict[str, Any]:
        """Return the parameters that rewrite a row; a damaged one is only marked."""
        old = {f"old_{name}": value for name, value in row.items()}
        try:
            new = self._reencrypted(encrypted, row)
        except UnreadableText:
            log.error("a row of the table %s is damaged", encrypted.table.name)  # noqa: TRY400
            new = {**row, "encrypted_with": DAMAGED}
        return old | {f"new_{name}": new[name] for name in encrypted.changed}

    def _reencrypted(self, encrypted: _EncryptedTable, row: RowMapping) -> dict[str, Any]:
        values = {name: row[name] for name in encrypted.changed}
        for name in filter(row.get, encrypted.ciphertexts):
            context = f"{name} {row[encrypted.bound_to]}"
            text = self._encryption.decrypt(row[name], row["encrypted_with"], context)
            values[name] = self._encryption.encrypt(text, context)
            if name == "contact":
                values["mobile_hash"] = self._encryption.hash(json.loads(text)[MOBILE])
        return values | {"encrypted_with": self._encryption.key_ids[0]}

    def count_older(self) -> int:
        """Count the rows under an older key, which must stay in `SECRET_KEY`."""
        return self._count(lambda key_id: key_id.in_(self._encryption.key_ids[1:]))

    def count_unreadable(self) -> int:
        """Count the rows that no key opens."""
        return self._count(lambda key_id: key_id.not_in(self._encryption.key_ids))

    def _count(self, condition: Callable[[Column[str]], Any]) -> int:
        counts = [
            select(func.count()).select_from(encrypted.table).where(condition(encrypted.key_id))
            for encrypted in _TABLES
        ]
        with self._database.read() as connection:
            return sum(connection.execute(count).scalar_one() for count in counts)

    def log_unreadable(self) -> None:
        """Log how many rows no key opens, at the start and when their number changes."""
        count = self.count_unreadable()
        if count and count != self._logged:
            log.error(
                "%d rows cannot be decrypted, and are not sent: put the key that is missing back"
                " into SECRET_KEY",
                count,
            )
        elif self._logged and not count:
            log.warning("all rows can be decrypted again")
        self._logged = count


def _rewriting(encrypted: _EncryptedTable) -> Any:  # noqa: ANN401  SQL
    """Return the UPDATE of a row that has not changed in the meantime."""
    unchanged = (*encrypted.table.primary_key, encrypted.table.c[encrypted.ciphertexts[0]])
    conditions = (column == bindparam(f"old_{column.name}") for column in unchanged)
    changed: dict[str, Any] = {name: bindparam(f"new_{name}") for name in encrypted.changed}
    return update(encrypted.table).where(*conditions).values(changed)
