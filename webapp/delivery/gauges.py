"""The gauges of the queue, read from the database at each scrape."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from webapp.database import DatabaseError
from webapp.outbox.rows import NEEDS_ATTENTION, WAITING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from webapp.delivery.services import DeliveryServices

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
