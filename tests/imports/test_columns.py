"""Which column of a spreadsheet holds which field."""

from dataclasses import replace

import pytest
from definitions import ALL
from tables import each

from webapp.contact import FIELDS
from webapp.forms.definitions import FormDefinition
from webapp.forms.reading import spelling_key
from webapp.imports.columns import guess_columns
from webapp.imports.file import Row, Sheet, column_name
from webapp.imports.tables import WHOLE_NAME


def guess(
    *header: str, rows: tuple[tuple[str, ...], ...] = (), form: FormDefinition = ALL
) -> tuple[str, ...]:
    """Return the guess for a sheet."""
    numbered = tuple(Row(number, cells) for number, cells in enumerate(rows, start=2))
    return guess_columns(form, Sheet(header, numbered, epoch_1904=False))


def test_every_field_has_spellings_and_no_spelling_names_two_fields() -> None:
    """A spelling may repeat the field's own caption or name."""
    assert [name for name, row in FIELDS.items() if not row.spellings] == []
    keys = [
        key
        for name, row in FIELDS.items()
        for key in {spelling_key(it) for it in (row.caption, name, *row.spellings)}
    ]
    assert all(keys)
    assert sorted(set(keys)) == sorted(keys)


@each("name", FIELDS)
@pytest.mark.slow
def test_caption_in_any_spelling_is_understood(name: str) -> None:
    """Also with Arabic letters, spaces, letter case, and remarks."""
    for caption in (FIELDS[name].caption, name, *FIELDS[name].spellings):
        arabic = caption.replace("ی", "ي").replace("ک", "ك").replace("\u200c", " ")
        for spelled in (caption, arabic, f" {caption.upper()}: ", f"*{caption} (اجباری)",
                        caption.replace(" ", "_"), caption.replace(" ", "")):  # fmt: skip
            assert guess(spelled) == (name,), spelled


def test_columns_of_other_programs_are_understood() -> None:
    """Exports of Google and Outlook."""
    google = {
        "First Name": "FName",
        "Middle Name": "",
        "Last Name": "LName",
        "Birthday": "BornDate",
        "Labels": "Labels",
        "E-mail 1 - Value": "Email",
        "Phone 1 - Label": "",
        "Phone 1 - Value": "Mobile",
        "Address 1 - City": "CityName",
        "Organization Name": "CompanyTitle",
    }
    assert guess(*google) == tuple(google.values())
    outlook = ("Title", "First Name", "Company", "Job Title", "Mobile Phone", "Home Phone")
    assert guess(*outlook) == ("", "FName", "CompanyTitle", "JobTitle", "Mobile", "")


def test_captions_of_the_form_come_first() -> None:
    """A form may call its field what is another's elsewhere."""
    fields = (
        FIELDS["Mobile"],
        FIELDS["CompanyTitle"],
        replace(FIELDS["CustomText1"], caption="شرکت"),
    )
    form = replace(ALL, fields=fields)
    assert guess("شرکت", "موبایل", form=form) == ("CustomText1", "Mobile")


def test_field_gets_one_column_the_best() -> None:
    """The other is left out."""
    assert guess("تلفن", "موبایل", "نام") == ("", "Mobile", "FName")
    assert guess("نام کامل", "نام خانوادگی") == ("", "LName")
    assert guess("Name", "First Name") == ("", "FName")


def test_whole_name_goes_to_the_family_name() -> None:
    """Where the one name ends and the other begins cannot be told; nothing is lost."""
    assert guess("نام و نام خانوادگی", "موبایل") == ("LName", "Mobile")


def test_field_that_the_form_does_not_show_gets_no_column() -> None:
    """Its column is left out."""
    form = replace(ALL, fields=(FIELDS["Mobile"], FIELDS["FName"]))
    assert guess("موبایل", "ایمیل", "نام", form=form) == ("Mobile", "", "FName")


def test_column_that_its_caption_does_not_name_is_known_by_its_content() -> None:
    """If most of its cells are readable."""
    rows = (
        ("1", "9121234567", "ali@example.com", "آقا", "1369/7/15", "x"),
        ("2", "+98 912 123 4568", "sara@example.com", "خانم", "", "y"),
        ("3", "", "", "", "1371/1/2", "z"),
    )
    names = tuple(column_name(number) for number in range(1, 7))
    guessed = ("", "Mobile", "Email", "GenderType", "BornDate", "")
    assert guess(*names, rows=rows) == guessed
    assert guess("ردیف", "خط", "نشانی الکترونیک", "عنوان", "ت. ت.", "توضیح", rows=rows) == (
        *guessed[:4],
        "",  # dates with a caption of their own are other dates
        "",
    )


def test_landlines_codes_and_mixed_columns_are_no_mobile_numbers() -> None:
    """Nor are answers genders."""
    rows = (("02188776655", "0012345679", "09121234567", "true"),
            ("02188776656", "0012345679", "ندارد", "false"))  # fmt: skip
    assert guess("a", "b", "c", "d", rows=rows) == ("", "", "", "")


def test_file_without_a_header_is_known_by_its_content() -> None:
    """Number, email, date, gender and city; names in two columns, or whole ones to be divided."""
    two = (
        ("سارا", "احمدی", "09121234567", "تهران", "خانم", "sara@example.com", "1369/7/15"),
        ("محمد رضا", "کاظمی نژاد", "09121234568", "اسلام شهر", "آقا", "", "1371/1/2"),
        ("Ali", "Rezaei", "09121234569", "شيراز", "آقا", "a@example.com", ""),
    )
    names = tuple(column_name(number) for number in range(1, 8))
    assert guess(*names, rows=two) == (
        *("FName", "LName", "Mobile", "CityName", "GenderType", "Email", "BornDate"),
    )
    whole = (("1", "سارا احمدی", "09121234567"), ("2", "محمد رضا کاظمی", "09121234568"))
    assert guess(*names[:3], rows=whole) == ("", WHOLE_NAME, "Mobile")
    one = (("مشتری", "09121234567"), *[("مشتری", f"0912123456{it}") for it in range(8)])
    assert guess(*names[:2], rows=one) == ("", "Mobile")
    captioned = ("الف", "ب", "ج")
    assert guess(*captioned, rows=whole) == ("", "", "Mobile")
