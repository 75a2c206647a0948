"""What a form takes from the address of its page: its definition, and what becomes of any value."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import each

from webapp.forms.definitions import Arrival, read_arrival
from webapp.forms.definitions_file import DefinitionError, parse

# What follows stands on line 5.
PUBLIC = """\
[forms.signup]
title = "عضویت"
access = "public"
fields = ["Mobile", "CustomText1"]
"""
FROM_URL = {"utm_source": "CustomText5", "utm_campaign": {"spring": "بهار", "پاییز": "خزان"}}


def faults(text: str) -> list[str]:
    """Return what is wrong with a file."""
    with pytest.raises(DefinitionError) as caught:
        parse(text, source="forms.toml")
    return list(caught.value.faults)


def test_definition_has_a_target_for_each_key_in_the_order_of_the_file() -> None:
    """The first one is the source."""
    text = 'from_url = { utm_source = "CustomText5", utm_campaign = { spring = "بهار" } }'
    (form,) = parse(PUBLIC + text, source="forms.toml").values()
    assert list(form.from_url.items()) == [
        ("utm_source", "CustomText5"),
        ("utm_campaign", {"spring": "بهار"}),
    ]


HEADER = "[forms.signup.from_url]\n"
LINE_6 = "forms.toml:6: forms.signup.from_url"


@each(
    ("text", "fault"),
    [
        (f'{HEADER}a = "Mobile"', f'{LINE_6}.a: "Mobile" is none of CustomText1 to CustomText6'),
        (f'{HEADER}a = "BornDate"',
         f'{LINE_6}.a: "BornDate" is none of CustomText1 to CustomText6'),
        (f'{HEADER}a = "Labels"', f'{LINE_6}.a: "Labels" is none of CustomText1 to CustomText6'),
        (f'{HEADER}a = "CustomDate1"',
         f'{LINE_6}.a: "CustomDate1" is none of CustomText1 to CustomText6'),
        (f'{HEADER}a = "CustomText7"',
         f'{LINE_6}.a: unknown field "CustomText7"; did you mean "CustomText6"?'),
        (f'{HEADER}a = "CustomText1"', f'{LINE_6}.a: "CustomText1" is shown or used already'),
        (f'{HEADER}a = "CustomText2"\nb = "CustomText2"',
         'forms.toml:7: forms.signup.from_url.b: "CustomText2" is shown or used already'),
        (f"{HEADER}a = 5",
         f"{LINE_6}.a: must be the name of a custom text, or a table of labels by value"),
        (f"{HEADER}a = {{}}", f"{LINE_6}.a: is empty"),
        ('[forms.signup.from_url.a]\nx = "یک، دو"',
         f'{LINE_6}.a.x: "یک، دو" is not one label: it has a separator or begins with #'),
        (f'{HEADER}r = "CustomText2"', f"{LINE_6}.r: is a key of our own addresses"),
        (f'{HEADER}Mobile = "CustomText2"',
         f"{LINE_6}.Mobile: is a field: personal data does not belong in an address"),
        (f'{HEADER}"utm source" = "CustomText2"',
         f"{LINE_6}.utm source: must be 1 to 40 of A-Z, a-z, 0-9, _ and -, the first a letter"),
        ('from_url = "utm_source"', "forms.toml:5: forms.signup.from_url: must be a table"),
        ('fixed = { CustomText2 = "x" }\nfrom_url.a = "CustomText2"',
         f'{LINE_6}.a: "CustomText2" is shown or used already'),
        ('consent = "x"\nconsent_field = "CustomText2"\nfrom_url.a = "CustomText2"',
         'forms.toml:7: forms.signup.from_url.a: "CustomText2" is shown or used already'),
    ],
)  # fmt: skip
def test_fault_is_named_with_its_line(text: str, fault: str) -> None:
    """Nothing but a free custom text, or labels."""
    assert faults(PUBLIC + text) == [fault]


def test_operators_forms_take_nothing_from_the_address() -> None:
    """What they send is what an operator sees."""
    text = PUBLIC.replace('"public"', '"intranet"') + 'from_url = { a = "CustomText2" }'
    assert faults(text) == ["forms.toml:5: forms.signup.from_url: is for public forms only"]


def test_labels_from_the_address_count_among_those_of_the_form() -> None:
    """One a key."""
    labels = ", ".join(f'"b{number}"' for number in range(20))
    text = f'labels = [{labels}]\nfrom_url = {{ a = {{ x = "y" }} }}'
    assert faults(PUBLIC + text) == [f"{LINE_6}: a contact has at most 20 labels"]


@each(
    ("query", "arrival"),
    [
        ({}, Arrival()),
        ({"other": "x", "CustomText5": "x", "Mobile": "09121234567"}, Arrival()),
        ({"utm_source": "  اينستا\u200f  "}, Arrival({"CustomText5": "اینستا"}, (), "اینستا")),
        ({"utm_source": "x" * 200}, Arrival({"CustomText5": "x" * 200}, (), "x" * 40)),
        ({"utm_source": "x" * 201}, Arrival()),
        ({"utm_source": "a\0b"}, Arrival()),
        ({"utm_source": "a\ufffdb"}, Arrival()),
        ({"utm_source": "\u202e\u2066"}, Arrival()),
        ({"utm_campaign": "spring"}, Arrival({}, ("بهار",), "")),
        ({"utm_campaign": "پاييز"}, Arrival({}, ("خزان",), "")),
        ({"utm_campaign": "winter"}, Arrival()),
        (
            {"utm_campaign": "spring", "utm_source": "<b>"},
            Arrival({"CustomText5": "<b>"}, ("بهار",), "<b>"),
        ),
    ],
)
def test_only_valid_values_of_listed_keys_are_taken(
    query: dict[str, str], arrival: Arrival
) -> None:
    """Everything else is dropped silently."""
    found = read_arrival(FROM_URL, query)
    assert replace(found, query={}) == arrival
    assert read_arrival(FROM_URL, found.query) == found  # on a further page


def test_value_without_a_label_is_no_source() -> None:
    """Robots cannot make up sources of a form that lists them."""
    from_url = {"utm_source": {"poster": "پوستر"}}
    assert read_arrival(from_url, {"utm_source": "x"}) == Arrival()
    assert read_arrival(from_url, {"utm_source": "poster"}) == Arrival(
        {}, ("پوستر",), "poster", {"utm_source": "poster"}
    )


@given(st.dictionaries(st.sampled_from(["utm_source", "utm_campaign", "x"]), st.text()))
def test_any_query_reaches_only_the_custom_text_and_the_labels(query: dict[str, str]) -> None:
    """And fits there."""
    arrival = read_arrival(FROM_URL, query)
    assert arrival.texts.keys() <= {"CustomText5"}
    assert set(arrival.labels) <= {"بهار", "خزان"}
    assert len(arrival.source) <= 40
    assert all(0 < len(text) <= 200 for text in arrival.texts.values())
