"""The WTForms fields of which one of a form's own choices is taken."""

from __future__ import annotations

from typing import Any, Final

from wtforms import Field, RadioField, SelectField
from wtforms.fields import SelectChoice  # type: ignore[attr-defined]  # newer than its types
from wtforms.form import BaseForm

from webapp import contact, messages


class _OneChoice:
    """A field that holds one of the choices, or nothing: then `Required` says what is missing."""

    data: Any

    def pre_validate(self, form: BaseForm) -> None:
        """Check that the value is one of the choices."""
        if self.data:
            super().pre_validate(form)  # type: ignore[misc]  # of the field


class RadioChoice(_OneChoice, RadioField):
    """Radio buttons for a few choices."""


class SelectChoiceField(_OneChoice, SelectField):
    """A list of many choices."""


_MAX_RADIO_BUTTONS: Final = 5


def one_of(row: contact.Field, validators: list[Any]) -> Field:
    """Make radio buttons for up to five choices, a list for more.

    Args:
        row: A text field with choices.
        validators: Of a required field; without any, nothing may be chosen.
    """
    is_list = len(row.choices) > _MAX_RADIO_BUTTONS
    choices = [SelectChoice(choice, choice) for choice in row.choices]
    if is_list:
        choices.insert(0, SelectChoice("", messages.CHOOSE))
    elif not validators:
        choices.append(SelectChoice("", messages.NO_CHOICE))
    return (SelectChoiceField if is_list else RadioChoice)(  # type: ignore[call-arg]  # newer than its types
        row.caption,
        choices=choices,
        default="",
        description=row.hint,
        invalid_choice_message=messages.BAD_CHOICE.format(caption=row.subject),
        validators=validators,
    )
