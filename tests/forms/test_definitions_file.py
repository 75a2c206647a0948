"""The keys of forms.toml, and the messages on its errors."""

import dataclasses
import tomllib
from datetime import date
from pathlib import Path

import pytest
from tables import each

from webapp.contact import FIELDS, in_page_order
from webapp.forms.definitions import Access, DateInput, FormDefinition, main_form
from webapp.forms.definitions_file import DefinitionError, _FormTable, load, parse
from webapp.messages.public import NOT_VERIFIED_LABEL
from webapp.verification.sender import Fallback, Policy

EXAMPLE = Path(__file__).parents[2] / "examples" / "forms.toml"

# What follows these stands on line 5.
PUBLIC = """\
[forms.signup]
title = "عضویت"
access = "public"
fields = ["Mobile", "FName"]
"""
INTRANET = """\
[forms.desk]
title = "ثبت مخاطب"
access = "intranet"
fields = ["Mobile", "FName"]
"""


def read(text: str) -> FormDefinition:
    """Return the only form of a file."""
    (form,) = parse(text, source="forms.toml").values()
    return form


def faults(text: str) -> list[str]:
    """Return what is wrong with a file."""
    with pytest.raises(DefinitionError) as caught:
        parse(text, source="forms.toml")
    return list(caught.value.faults)


def names(form: FormDefinition) -> list[str]:
    """Return the names of the fields shown."""
    return [row.name for row in form.fields]


def public(access: str, fields: str, rest: str = "") -> str:
    """Return a form with this access and these fields, given on lines 3 and 4."""
    return f'[forms.signup]\ntitle = "عضویت"\naccess = "{access}"\nfields = {fields}\n{rest}'


# --- Right forms ----------------------------------------------------------------------------------


def test_built_in_forms_are_a_desk_and_a_sign_up() -> None:
    """Without a file there is a form for operators at "/" and one for visitors."""
    forms = load(None)

    assert list(forms) == ["contact", "signup"]
    assert main_form(forms) is forms["contact"]
    assert forms["contact"].title == "ثبت مخاطب"
    assert names(forms["contact"]) == [row.name for row in in_page_order()]
    assert forms["contact"].label_choices == ("مشتری", "همکار")
    assert forms["contact"].free_labels
    assert forms["contact"].dates is DateInput.TEXT
    assert forms["signup"].title == "عضویت در خبرنامه"
    assert names(forms["signup"]) == ["FName", "LName", "Mobile", "BornDate"]
    assert forms["signup"].labels == ("سایت",)
    assert forms["signup"].consent == "با دریافت پیامک موافقم."
    assert forms["signup"].embed_origins == ("https://example.ir",)
    assert forms["signup"].fixed == {"CityName": "تهران"}
    assert forms["signup"].dates is DateInput.PARTS
    assert list(load(None, demo=True)) == ["contact", "signup", "verified"]


def test_documentation_shows_the_example_as_it_is() -> None:
    """People copy from either."""
    documentation = (EXAMPLE.parents[1] / "docs" / "forms.md").read_text()

    assert f"```toml\n{EXAMPLE.read_text()}```\n" in documentation


def test_example_has_a_form_of_each_sort() -> None:
    """The example to copy from is right, and uses every key."""
    forms = load(EXAMPLE)

    assert {slug: form.access for slug, form in forms.items()} == {
        "contact": Access.INTRANET,
        "newsletter": Access.PUBLIC,
        "event": Access.PUBLIC,
    }
    assert forms["contact"].fields[6].caption == "شمارهٔ اشتراک"
    assert forms["newsletter"].consent_field == "CustomText6"
    assert forms["newsletter"].redirect == "https://example.ir/thanks"
    assert forms["event"].proof_of_work
    assert forms["event"].fixed == {
        "CityName": "تهران",
        "CustomDate1": date(2027, 10, 16),
        "Active": True,
    }
    keys = {field.name for field in dataclasses.fields(_FormTable)}
    used = {key for table in tomllib.loads(EXAMPLE.read_text())["forms"].values() for key in table}
    for_few = {"verify_length", "verify_fallback", "verify_label", "line", "line_blocked"}
    assert keys - used == for_few


def test_short_form_has_defaults() -> None:
    """Title, access and fields suffice; the portal needs a mobile number in any case."""
    assert read(PUBLIC) == FormDefinition(
        slug="signup",
        title="عضویت",
        access=Access.PUBLIC,
        fields=(FIELDS["Mobile"], FIELDS["FName"]),
        required=frozenset({"Mobile"}),
        fixed={},
        dates=DateInput.PARTS,
    )


def test_forms_keep_the_order_of_the_file() -> None:
    """The page "/" is the first intranet form, wherever it stands."""
    second = INTRANET.replace("forms.desk", "forms.another")
    forms = parse(PUBLIC + INTRANET + second, source="forms.toml")

    assert list(forms) == ["signup", "desk", "another"]
    assert main_form(forms) is forms["desk"]


def test_without_an_intranet_form_there_is_no_main_form() -> None:
    """A server only for visitors has nothing at "/"."""
    assert main_form(parse(PUBLIC, source="forms.toml")) is None


def test_captions_and_hints_replace_the_tables_own() -> None:
    """The rows come with the form's words on them, and stay the same otherwise."""
    form = read(
        PUBLIC + 'captions.FName = "نام شما"\nhints.FName = "مانند مریم"\nrequired = ["FName"]'
    )

    row = dataclasses.replace(FIELDS["FName"], caption="نام شما", hint="مانند مریم")
    assert form.fields == (FIELDS["Mobile"], row)
    assert form.required == {"Mobile", "FName"}


@each(
    ("access", "rest", "absent"),
    [
        ("intranet", "free_labels = true", set()),
        ("intranet", 'label_choices = ["مشتری"]', set()),
        ("intranet", "", {"Labels"}),
        ("public", 'label_choices = ["مشتری"]', {"Active"}),
        ("public", "", {"Active", "Labels"}),
    ],
)
def test_all_fields_are_those_the_form_can_ask_for(
    access: str, rest: str, absent: set[str]
) -> None:
    """A visitor decides nothing about Active, and labels need something to choose from."""
    form = read(public(access, '"all"', rest))

    assert names(form) == [row.name for row in in_page_order() if row.name not in absent]


def test_texts_are_normalised() -> None:
    """Arabic letters and stray spaces do not reach the page or the portal."""
    form = read(
        PUBLIC
        + 'intro = " سلام  يار "\nlabels = ["مشتري"]\n'
        + 'fixed = { AddressText = "خیابان  يکم\\n\\n\\nپلاک ۲" }'
    )

    assert form.intro == "سلام یار"
    assert form.labels == ("مشتری",)
    assert form.fixed["AddressText"] == "خیابان یکم\n\nپلاک ۲"


def test_fixed_values_are_typed() -> None:
    """Dates become dates, choices booleans."""
    form = read(
        PUBLIC
        + """
[forms.signup.fixed]
GenderType = false
Active = false
BornDate = 1990-10-07
AnniversaryDate = "۲۴ خرداد ۱۳۹۵"
"""
    )

    assert form.fixed == {
        "GenderType": False,
        "Active": False,
        "BornDate": date(1990, 10, 7),
        "AnniversaryDate": date(2016, 6, 13),
    }


@each(
    ("origin", "spelled"),
    [
        ("https://example.ir", "https://example.ir"),
        ("HTTPS://Example.IR", "https://example.ir"),
        ("https://example.ir:443", "https://example.ir"),
        ("https://example.ir:8443", "https://example.ir:8443"),
        ("http://portal:80", "http://portal"),
        ("http://10.0.0.7:443", "http://10.0.0.7:443"),
        ("https://xn--mgba3a4f16a.ir", "https://xn--mgba3a4f16a.ir"),
    ],
)
def test_origins_are_spelled_as_browsers_do(origin: str, spelled: str) -> None:
    """Scripts compare origins letter by letter."""
    assert read(PUBLIC + f'embed_origins = ["{origin}"]').embed_origins == (spelled,)


@each(
    ("address", "spelled"),
    [
        ("https://example.ir", "https://example.ir"),
        ("https://EXAMPLE.ir:443/a?b=%D8%A7#c", "https://example.ir/a?b=%D8%A7#c"),
        ("https://example.ir/سپاس", "https://example.ir/%D8%B3%D9%BE%D8%A7%D8%B3"),
    ],
)
def test_redirect_goes_to_a_listed_site(address: str, spelled: str) -> None:
    """The address comes out in ASCII, ready for a header."""
    text = PUBLIC + f'embed_origins = ["https://example.ir"]\nredirect = "{address}"'

    assert read(text).redirect == spelled


def test_form_that_is_not_embedded_may_redirect_anywhere() -> None:
    """Without origins there is no list to be on."""
    assert read(INTRANET + 'redirect = "http://wiki/"').redirect == "http://wiki/"


@each("accent", ["#0B6B57", "#767676", "#000000"])
def test_accent_with_enough_contrast_is_taken(accent: str) -> None:
    """#767676 is the lightest grey that carries white text."""
    assert read(PUBLIC + f'accent = "{accent}"').accent == accent.lower()


# --- Wrong keys -----------------------------------------------------------------------------------

LONG = "ا" * 501
TWENTY_ONE = str([f"label {number}" for number in range(21)])


@each(
    ("line", "fault"),
    [
        ("colour = 1", 'colour: unknown key "colour"'),
        ("acent = 1", 'acent: unknown key "acent"; did you mean "accent"?'),
        ("required = 1", "required: must be a list"),
        ("required = [1]", "required: must be a field's name in quotes"),
        ('required = ["Jobtitle"]', 'required: unknown field "Jobtitle"; did you mean "JobTitle"?'),
        ('required = ["Email"]', 'required: "Email" is required but not shown'),
        ('required = ["FName", "FName"]', 'required: "FName" is repeated'),
        ("intro = 1", "intro: must be a text in quotes"),
        ('intro = " "', "intro: is empty"),
        (f'intro = "{LONG}"', f'intro: "{LONG[:20]}…" is longer than 300 characters'),
        ('intro = "\ufffd"', "intro: has a character that is not allowed"),
        ("captions = 1", "captions: must be a table"),
        (
            'captions = { Jobtitle = "x" }',
            'captions.Jobtitle: unknown field "Jobtitle"; did you mean "JobTitle"?',
        ),
        ('captions = { FName = "" }', "captions.FName: is empty"),
        (
            f'captions = {{ FName = "{LONG}" }}',
            f'captions.FName: "{LONG[:20]}…" is longer than 100 characters',
        ),
        ('captions = { Email = "x" }', "captions.Email: is not shown"),
        ('hints = { Email = "x" }', "hints.Email: is not shown"),
        (
            f'hints = {{ FName = "{LONG}" }}',
            f'hints.FName: "{LONG[:20]}…" is longer than 200 characters',
        ),
        ('label_choices = ["x"]', 'label_choices: needs "Labels" among the fields'),
        ("free_labels = 1", "free_labels: must be true or false"),
        ("labels = 'x'", "labels: must be a list"),
        ("labels = [1]", "labels: must be a text in quotes"),
        (f'labels = ["{LONG}"]', f'labels: "{LONG[:20]}…" is longer than 50 characters'),
        ('labels = ["Vip", "VIP"]', 'labels: "VIP" is repeated'),
        ('labels = ["مشتری‌ها", "مشتریها"]', 'labels: "مشتریها" is repeated'),
        (f"labels = {TWENTY_ONE}", "labels: a contact has at most 20 labels"),
        ('fixed = { FName = "x" }', "fixed.FName: is also shown"),
        (
            'fixed = { Jobtitle = "x" }',
            'fixed.Jobtitle: unknown field "Jobtitle"; did you mean "JobTitle"?',
        ),
        ("fixed = { LName = 1 }", "fixed.LName: must be a text in quotes"),
        (
            f'fixed = {{ LName = "{LONG}" }}',
            f'fixed.LName: "{LONG[:20]}…" is longer than 50 characters',
        ),
        (
            f'fixed = {{ AddressText = "{LONG}" }}',
            f'fixed.AddressText: "{LONG[:20]}…" is longer than 500 characters',
        ),
        ("fixed = { Mobile = '0' }", "fixed.Mobile: cannot be fixed: each contact has its own"),
        ("fixed = { Email = 'a' }", "fixed.Email: cannot be fixed: each contact has its own"),
        (
            "fixed = { Labels = ['a'] }",
            'fixed.Labels: cannot be fixed here: the key "labels" does it',
        ),
        ("fixed = { GenderType = 'x' }", "fixed.GenderType: must be true or false"),
        ("fixed = { Active = 1 }", "fixed.Active: must be true or false"),
        (f'consent = "{LONG}"', f'consent: "{LONG[:20]}…" is longer than 500 characters'),
        ("consent_field = 'CustomText1'", 'consent_field: needs "consent"'),
        ("embed_origins = 'x'", "embed_origins: must be a list"),
        ("embed_origins = [1]", 'embed_origins: "1" is not an origin such as "https://example.ir"'),
        ("redirect = 1", 'redirect: "1" is not an address such as "https://example.ir/thanks"'),
        ("embed_origins = ['http://a', 'http://a:80']", 'embed_origins: "http://a" is repeated'),
        ("accent = 'green'", 'accent: must be a colour such as "#0b6b57"'),
        ("accent = 0", 'accent: must be a colour such as "#0b6b57"'),
        (
            "accent = '#777777'",
            "accent: white text on #777777 has a contrast of 4.4:1; 4.5:1 is the least",
        ),
        (
            "accent = '#ffffff'",
            "accent: white text on #ffffff has a contrast of 1.0:1; 4.5:1 is the least",
        ),
        (f'success = "{LONG}"', f'success: "{LONG[:20]}…" is longer than 300 characters'),
        ("dates = 'calendar'", 'dates: must be "text" or "parts"'),
        ("dates = ['text']", 'dates: must be "text" or "parts"'),
        ("proof_of_work = 'yes'", "proof_of_work: must be true or false"),
    ],
)
def test_wrong_key_is_named_with_its_line(line: str, fault: str) -> None:
    """The message says which line of which form is wrong, and why."""
    assert faults(PUBLIC + line) == [f"forms.toml:5: forms.signup.{fault}"]


@each("label", ["a,b", "a;b", "a|b", "الف،ب", "الف؛ب", "a，b", "a；b", "a｜b", ",a", "#a"])
@each("key", ["labels", "label_choices"])
def test_label_is_one_label(key: str, label: str) -> None:
    """A label with a separator would become two on the server."""
    fault = f'"{label}" is not one label: it has a separator or begins with #'
    text = public("public", '["Mobile", "Labels"]', 'label_choices = ["a"]\nlabels = ["b"]')
    text = text.replace(f"\n{key} = [", f'\n{key} = ["{label}", ')

    line = {"label_choices": 5, "labels": 6}[key]
    assert faults(text) == [f"forms.toml:{line}: forms.signup.{key}: {fault}"]


def test_labels_and_choices_together_are_no_more_than_a_contact_has() -> None:
    """Somebody may tick them all."""
    text = public(
        "public",
        '["Mobile", "Labels"]',
        f'labels = ["a"]\nlabel_choices = {[f"label {number}" for number in range(20)]}',
    )

    assert faults(text) == [
        "forms.toml:6: forms.signup.label_choices: a contact has at most 20 labels"
    ]


@each(
    "origin",
    [
        "example.ir",
        "https://",
        "https://example.ir/",
        "https://example.ir/form",
        "https://*.example.ir",
        "https://user@example.ir",
        "https://example.ir:0",
        "https://example.ir:65536",
        "https://example.ir:",
        "https://-example.ir",
        "https://example..ir",
        "https://[::1]",
        "https://مثال.ایران",
        "https://example.ir https://other.ir",
        "https://example.ir; script-src *",
        "ftp://example.ir",
        "null",
        "*",
    ],
)
def test_origin_is_exact(origin: str) -> None:
    """No path, wildcard, user name or second source gets into the policy of the frame."""
    assert faults(PUBLIC + f'embed_origins = ["{origin}"]') == [
        (
            f'forms.toml:5: forms.signup.embed_origins: "{origin}" '
            'is not an origin such as "https://example.ir"'
        )
    ]


@each(
    "address",
    [
        "/thanks",
        "//example.ir/thanks",
        "javascript:alert(1)",
        "https:///thanks",
        "https://user@example.ir/thanks",
        "https://example.ir\\\\@evil.example/",
        "https://example.ir:99999/",
        "https://example.ir/a b",
        "https://example.ir/\\u0007",
        "https://example.ir/\\u202e",
        "https://example.ir/\\nSet-Cookie:a=b",
    ],
)
def test_redirect_is_a_plain_address(address: str) -> None:
    """No script, user name or control character gets into a header or the parent's address."""
    (fault,) = faults(PUBLIC + f'redirect = "{address}"')

    assert fault.startswith("forms.toml:5: forms.signup.redirect: ")
    assert fault.endswith('is not an address such as "https://example.ir/thanks"')


def test_fault_is_one_line_whatever_it_quotes() -> None:
    """A line end in a value does not look like another fault."""
    assert faults(PUBLIC + 'redirect = "a\\nb"') == [
        (
            'forms.toml:5: forms.signup.redirect: "a b" is not an address '
            'such as "https://example.ir/thanks"'
        )
    ]


def test_verification_has_its_defaults_and_its_keys() -> None:
    """Such a form asks the browser for a proof of work, too."""
    form = read(PUBLIC + 'verify = "sms"\n')
    assert form.proof_of_work
    assert form.verification == Policy(length=5, fallback=Fallback.HOLD, label=NOT_VERIFIED_LABEL)
    keys = (
        'verify = "sms"\nverify_length = 4\nverify_fallback = "accept"\nverify_label = "بی‌تأیید"\n'
    )
    form = read(PUBLIC + keys + 'line = "OTP"\nline_blocked = "لغو شده است."\n')
    assert form.verification == Policy(length=4, fallback=Fallback.ACCEPT, label="بی‌تأیید")
    assert (form.line, form.line_blocked) == ("OTP", "لغو شده است.")
    assert read(INTRANET + 'line = "30001234"\n').line == "30001234"


@each(
    ("text", "reason"),
    [
        (PUBLIC + 'verify = "call"', 'forms.signup.verify: must be "sms"'),
        (PUBLIC + 'verify = "sms"\nverify_length = 3', "must be a whole number from 4 to 8"),
        (PUBLIC + 'verify = "sms"\nverify_length = true', "must be a whole number from 4 to 8"),
        (PUBLIC + "verify_length = 5", 'verify_length: needs verify = "sms"'),
        (PUBLIC + 'verify_fallback = "hold"', 'verify_fallback: needs verify = "sms"'),
        (PUBLIC + 'verify = "sms"\nverify_label = "x"', 'needs verify_fallback = "accept"'),
        (PUBLIC + 'line = "30001234"', 'line: needs verify = "sms" on a public form'),
        (PUBLIC + 'line_blocked = "x"', 'line_blocked: needs "line"'),
        (INTRANET + 'line = "+98"', "must be a line's number in quotes"),
        (INTRANET + 'verify = "sms"', "is for public forms only"),
    ],
)
def test_verification_that_makes_no_sense_is_refused(text: str, reason: str) -> None:
    """With its key."""
    assert any(reason in fault for fault in faults(text)), faults(text)


def test_label_of_unverified_contacts_counts_with_the_others() -> None:
    """A contact has twenty at most."""
    labels = ", ".join(f'"{chr(0x627 + n)}"' for n in range(20))
    text = PUBLIC + f'labels = [{labels}]\nverify = "sms"\n'
    assert read(text)
    assert "at most 20 labels" in faults(text + 'verify_fallback = "accept"')[0]


def test_redirect_to_a_site_that_is_not_listed_is_refused() -> None:
    """A typing error does not send visitors to another site."""
    text = PUBLIC + (
        'embed_origins = ["https://example.ir"]\nredirect = "https://example.ir.evil.example/"'
    )

    assert faults(text) == [
        (
            'forms.toml:6: forms.signup.redirect: "https://example.ir.evil.example" '
            'is not among "embed_origins"'
        )
    ]


@each(
    "value",
    [
        "true",
        "2025-08-14T10:00:00",
        "1404-01-01",
        "0001-01-01",
        '"1404/12/30"',
        '"1600/01/01"',
        '"04/05/23"',
        '"فردا"',
    ],
)
def test_fixed_date_is_a_day_that_can_be_sent(value: str) -> None:
    """Without quotes it is Gregorian; a Jalali one stands in quotes."""
    assert faults(PUBLIC + f"fixed = {{ CustomDate1 = {value} }}") == [
        (
            "forms.toml:5: forms.signup.fixed.CustomDate1: "
            'must be a date such as 2025-08-14 or "1404/05/23"'
        )
    ]


# --- Keys that do not go together -----------------------------------------------------------------


@each(
    ("fields", "fault"),
    [
        ('"most"', 'must be "all" or a list'),
        ("true", 'must be "all" or a list'),
        ('["Mobile", true]', "must be a field's name in quotes"),
        ('["Mobile", "Emial"]', 'unknown field "Emial"; did you mean "Email"?'),
        ('["Mobile", "Xyz"]', 'unknown field "Xyz"'),
        ('["Mobile", "Mobile"]', '"Mobile" is repeated'),
        ('["FName"]', '"Mobile" is missing: the portal takes no contact without it'),
        ("[]", '"Mobile" is missing: the portal takes no contact without it'),
        ('["Mobile", "Labels"]', '"Labels" needs "label_choices" or "free_labels"'),
        ('["Mobile", "Active"]', '"Active" is for intranet forms only'),
    ],
)
def test_wrong_fields_are_named(fields: str, fault: str) -> None:
    """A form shows fields of the table, each once, and those that the portal needs."""
    assert faults(public("public", fields)) == [f"forms.toml:4: forms.signup.fields: {fault}"]


def test_visitors_type_no_labels() -> None:
    """Which labels there are is the organisation's affair."""
    assert faults(public("public", '"all"', "free_labels = true")) == [
        "forms.toml:5: forms.signup.free_labels: is for intranet forms only"
    ]


def test_free_labels_need_their_field() -> None:
    """A list without Labels leaves no place to type them."""
    assert faults(INTRANET + "free_labels = true") == [
        'forms.toml:5: forms.desk.free_labels: needs "Labels" among the fields'
    ]


@each(("key", "value"), [("embed_origins", '["https://example.ir"]'), ("proof_of_work", "true")])
def test_intranet_form_is_neither_embedded_nor_puzzled(key: str, value: str) -> None:
    """Such a key shows that the form was meant to be public."""
    assert faults(INTRANET + f"{key} = {value}") == [
        f"forms.toml:5: forms.desk.{key}: is for public forms only"
    ]


def test_what_an_intranet_form_cannot_have_may_be_switched_off() -> None:
    """Saying what is so anyway is no fault."""
    assert not read(INTRANET + "proof_of_work = false\nembed_origins = []").proof_of_work


@each(
    ("field", "rest", "fault"),
    [
        ("FName", "", '"FName" is none of CustomText1 to CustomText6'),
        ("CustomText7", "", 'unknown field "CustomText7"; did you mean "CustomText6"?'),
        ("CustomText1", "", '"CustomText1" is already shown or fixed'),
        ("CustomText2", 'fixed.CustomText2 = "x"', '"CustomText2" is already shown or fixed'),
    ],
)
def test_consent_is_recorded_in_a_free_custom_text(field: str, rest: str, fault: str) -> None:
    """The record would overwrite what a person typed, or be overwritten."""
    text = public(
        "public",
        '["Mobile", "CustomText1"]',
        f'consent = "موافقم."\nconsent_field = "{field}"\n{rest}',
    )

    assert faults(text) == [f"forms.toml:6: forms.signup.consent_field: {fault}"]


def test_one_fault_does_not_cause_others() -> None:
    """What depends on a value that could not be read is not judged."""
    text = public("nobody", "7", 'required = ["Email"]\nconsent = 1\nconsent_field = "CustomText1"')

    assert faults(text) == [
        'forms.toml:3: forms.signup.access: must be "intranet" or "public"',
        'forms.toml:4: forms.signup.fields: must be "all" or a list',
        "forms.toml:6: forms.signup.consent: must be a text in quotes",
    ]


# --- Wrong files ----------------------------------------------------------------------------------


def test_every_fault_comes_in_one_message() -> None:
    """Whoever corrects the file starts the app once, not once a fault; lines come in order."""
    text = """\
[forms.signup]
title = ""
fields = ["Mobile", "Emial", "Phone"]
required = ["Email"]
accent = "#ffff00"

[forms.signup.captions]
CustomText1 = "کد ملی"

[form.desk]

[forms."Desk 1"]
title = "ثبت"
access = "intranet"
fields = "all"
fixed = { CityName = "تهران" }
"""
    with pytest.raises(DefinitionError) as caught:
        parse(text, source="forms.toml")

    assert str(caught.value) == "\n".join(caught.value.faults)
    assert list(caught.value.faults) == [
        "forms.toml:1: forms.signup.access: is missing",
        "forms.toml:2: forms.signup.title: is empty",
        'forms.toml:3: forms.signup.fields: unknown field "Emial"; did you mean "Email"?',
        'forms.toml:3: forms.signup.fields: unknown field "Phone"',
        'forms.toml:4: forms.signup.required: "Email" is required but not shown',
        (
            "forms.toml:5: forms.signup.accent: "
            "white text on #ffff00 has a contrast of 1.0:1; 4.5:1 is the least"
        ),
        "forms.toml:8: forms.signup.captions.CustomText1: is not shown",
        'forms.toml:10: form: unknown key "form"; did you mean "forms"?',
        "forms.toml:12: forms.Desk 1: its name must be 1 to 40 of a-z, 0-9 and -, the first no -",
        "forms.toml:16: forms.Desk 1.fixed.CityName: is also shown",
    ]


@each(
    "text",
    [
        "[forms]\nsignup.accent = 1",
        "forms.signup.accent = 1",
        "forms = { signup = { accent = 1 } }",
        "[ forms . 'signup' ]\n\"accent\" = 1",
        "[forms.signup]\n\n  accent=1",
    ],
)
def test_line_is_found_however_the_key_is_spelled(text: str) -> None:
    """TOML has several ways to say the same; here the key is on the last line."""
    line = len(text.split("\n"))

    fault = f'forms.toml:{line}: forms.signup.accent: must be a colour such as "#0b6b57"'
    assert fault in faults(text)


@each("slug", ["Signup", "-a", "a_b", "فرم", "a" * 41, "a.b", ""])
def test_forms_name_fits_into_an_address(slug: str) -> None:
    """Capitals, spaces and dots do not."""
    text = PUBLIC.replace("forms.signup", f'forms."{slug}"')

    assert faults(text) == [
        f"forms.toml:1: forms.{slug}: its name must be 1 to 40 of a-z, 0-9 and -, the first no -"
    ]


@each("slug", ["a", "7", "a" * 40, "spring-sale-2"])
def test_forms_name_may_have_digits_and_hyphens(slug: str) -> None:
    """As addresses do."""
    assert read(PUBLIC.replace("forms.signup", f"forms.{slug}")).slug == slug


@each("text", ["", "[forms]", "# nothing"])
def test_file_without_forms_is_refused(text: str) -> None:
    """There would be no page to show."""
    (fault,) = faults(text)

    assert fault == "forms.toml: no form is defined; a form begins with [forms.its-name]"


def test_forms_are_tables() -> None:
    """A form's name with more text after it is reported."""
    assert faults("forms = 1") == [
        "forms.toml: no form is defined; a form begins with [forms.its-name]"
    ]
    assert faults("[forms]\nsignup = 1") == ["forms.toml:2: forms.signup: must be a table"]


def test_title_an_access_and_fields_are_needed() -> None:
    """A missing key is reported at the first line of the form."""
    assert faults("\n[forms.signup]") == [
        "forms.toml:2: forms.signup.title: is missing",
        "forms.toml:2: forms.signup.access: is missing",
        "forms.toml:2: forms.signup.fields: is missing",
    ]


def test_broken_toml_is_refused_with_its_line() -> None:
    """The parser's own words follow."""
    assert faults('[forms.signup]\ntitle "x"') == [
        "forms.toml:2: Expected '=' after a key in a key/value pair (at line 2, column 7)"
    ]


def test_broken_toml_without_a_line_is_refused_too() -> None:
    """An unfinished text ends with the file."""
    assert faults('title = "x') == ["forms.toml: Unterminated string (at end of document)"]


def test_missing_file_is_named(tmp_path: Path) -> None:
    """The system's reason follows."""
    path = tmp_path / "forms.toml"

    with pytest.raises(DefinitionError) as caught:
        load(path)

    assert str(caught.value) == f"{path}: cannot be read: No such file or directory"


def test_what_is_no_regular_file_or_too_large_is_reported_at_once(tmp_path: Path) -> None:
    """Instead of being read for ever."""
    large = tmp_path / "forms.toml"
    with large.open("wb") as file:
        file.truncate(1024 * 1024 + 1)
    for path in (Path("/dev/zero"), tmp_path, large):
        with pytest.raises(DefinitionError) as caught:
            load(path)
        assert str(caught.value) == f"{path}: must be a regular file of at most 1 MB"


def test_file_that_is_not_utf_8_is_refused_with_its_line(tmp_path: Path) -> None:
    """An editor may have saved it as Windows-1256."""
    path = tmp_path / "forms.toml"
    path.write_bytes(PUBLIC.encode() + 'intro = "سلام"'.encode("cp1256"))

    with pytest.raises(DefinitionError) as caught:
        load(path)

    assert str(caught.value) == f"{path}:5: is not UTF-8"


def test_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    """Windows' Notepad writes one."""
    path = tmp_path / "forms.toml"
    path.write_text(PUBLIC, encoding="utf-8-sig")

    assert list(load(path)) == ["signup"]


# --- Opening, closing, places ---------------------------------------------------------------------


def test_times_are_read_by_the_calendar_and_the_clock_of_iran() -> None:
    """In digits of any script; a day without a time means its beginning, or its end."""
    form = read(
        f'{PUBLIC}opens = "1405/10/01 08:00"\ncloses = "۱۴۰۵/۱۰/۱۵"\ncapacity = 120\nclosed = "پر."'
    )
    assert str(form.opens) == "2026-12-22 08:00:00+03:30"
    assert str(form.closes) == "2027-01-06 00:00:00+03:30"
    assert (form.capacity, form.closed) == (120, "پر.")
    assert str(read(f'{PUBLIC}opens = "1405/10/1"').opens) == "2026-12-22 00:00:00+03:30"


def test_wrong_times_and_places_are_named_with_their_line() -> None:
    """Also keys that do not fit together, or the form's access."""
    a_time = 'must be a day and a time in Iran, such as "1405/10/01 08:00"'
    wrong = (
        (PUBLIC, 'opens = "1405/12/30 08:00"', f"opens: {a_time}"),
        (PUBLIC, 'opens = "1405/10/01 24:00"', f"opens: {a_time}"),
        (PUBLIC, "closes = 14051001", f"closes: {a_time}"),
        (PUBLIC, "capacity = 0", "capacity: must be a whole number from 1 to 1000000"),
        (PUBLIC, 'closed = "پر."', 'closed: needs "closes" or "capacity"'),
        (PUBLIC, 'close = "1405/10/01"', 'close: unknown key "close"; did you mean "closes"?'),
        (INTRANET, "capacity = 5", "capacity: is for public forms only"),
    )
    for form, line, expected in wrong:
        name = "signup" if form is PUBLIC else "desk"
        assert faults(f"{form}{line}") == [f"forms.toml:5: forms.{name}.{expected}"]
    both = f'{PUBLIC}opens = "1405/10/02"\ncloses = "1405/10/01 23:00"'
    assert faults(both) == ['forms.toml:6: forms.signup.closes: is not after "opens"']


# --- Choices --------------------------------------------------------------------------------------


def test_choices_belong_to_a_text_field_that_is_shown() -> None:
    """Each wrong one is named with its line, and what to do instead."""
    begin = '[forms.signup]\ntitle = "عضویت"\naccess = "public"\n'
    form = begin + 'fields = ["Mobile", "CustomText2"]\n[forms.signup.choices]\n'
    read_form = read(f'{form}CustomText2 = ["صبح", "عصر"]')
    assert [row.choices for row in read_form.fields] == [(), ("صبح", "عصر")]
    wrong = (
        ('CustomText2 = ["صبح"]', "CustomText2: needs two choices at least"),
        ('CustomText2 = ["صبح", " صبح"]', 'CustomText2: "صبح" is repeated'),
        ('CustomText2 = "صبح"', "CustomText2: must be a list"),
        ('CustomText3 = ["صبح", "عصر"]', "CustomText3: is not shown"),
        ("CustomTxt2 = []", 'CustomTxt2: unknown field "CustomTxt2"; did you mean "CustomText2"?'),
        ('Mobile = ["1", "2"]', "Mobile: takes no choices: only text fields do"),
        ('Labels = ["1", "2"]', 'Labels: takes no choices: the key "label_choices" does it'),
    )
    for line, expected in wrong:
        assert faults(form + line) == [f"forms.toml:6: forms.signup.choices.{expected}"]
    both = f'{form}CustomText2 = ["1", "2"]\n[forms.signup.checks]\nCustomText2 = "digits"'
    expected = "forms.signup.checks.CustomText2: has choices, which are its check"
    assert faults(both) == [f"forms.toml:8: {expected}"]
