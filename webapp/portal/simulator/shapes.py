"""The shapes of the simulator's answers: where status and contacts stand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from webapp.portal.simulator.faults import PLAIN, Answer, json_answer, page
from webapp.portal.simulator.model import search_result
from webapp.portal.simulator.profiles import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from webapp.portal.simulator.profiles import Profile


def created_answer(shape: Shape, status: str, contact: Mapping[str, Any] | None = None) -> Answer:
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
        Shape.TEXT: Answer(status.encode(), content_type=PLAIN),
        Shape.CONTACT: json_answer({"ReturnValue": status if contact is None else contact}),
        Shape.UNREADABLE: page(200),
    }
    return answers[shape]


def found_answer(found: Iterable[Mapping[str, Any]], profile: Profile) -> Answer:
    """Return ContactSearch's answer, under this profile."""
    shown = [search_result(contact, profile) for contact in found]
    data = shown or profile.no_match
    content = {"Status": "Success"}
    return json_answer(content if data is ... else content | {"Data": data})
