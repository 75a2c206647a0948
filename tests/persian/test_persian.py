"""Persian text, mobile numbers, dates and labels, as people type and paste them."""

import re
import sys
import time
import unicodedata
from collections.abc import Callable
from datetime import date, timedelta
from itertools import combinations
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from persiantools.jdatetime import JalaliDate
from tables import each

from webapp import messages, persian
from webapp.persian import InvalidText, divide_line, plain
from webapp.persian import text as text_module

T = TypeVar("T")

TODAY = date(2025, 11, 23)  # ۲ آذر ۱۴۰۴
ZWNJ = "\u200c"
SEPARATORS = ",;|،؛，；｜﹐﹔"

# Everything, lone surrogates too, and in quantity what the module has rules for.
TRICKY = (
    "اأآبيىكگیکۀةهٔپعلﻋﻠﯽﹰﹱﷺ\u0653\u0654\u064e\u0651ـ¬۰۱۹٣９+＋()#x;,،؛|/.-–−_ \n\r\t\0\x1c\x85\xa0"
    "\u037e\u0344\u0958\u200b\u200c\u200d\u200e\u200f\u202b\u2028\u2066\ufeff\ufffd\ud800\ue000"
    "\U0001f600\U0001faff"
)
ANY_TEXT = st.text(st.characters(exclude_categories=()) | st.sampled_from(TRICKY), max_size=60)
LIKE_A_MOBILE = st.text(st.sampled_from("0123456789۰۹٩۱+() -/،و\n#x"), max_size=30)
LIKE_A_DATE = st.lists(
    st.sampled_from(["1369", "۱۴۰۴", "2023", "12", "7", "30", "0", "99", "مهر", "/", " ", "ماه"]),
    max_size=7,
).map("".join)


def refusal(read: Callable[..., object], *typed: object, **named: object) -> str:
    """Return the message with which a function refuses what was typed."""
    with pytest.raises(InvalidText) as refused:
        read(*typed, **named)
    (message,) = refused.value.args
    return str(message)


def unless_refused(read: Callable[..., T], *typed: str) -> T | None:
    """Return what a function makes of a text, or nothing if it refuses it with a message."""
    try:
        return read(*typed)
    except InvalidText as refused:
        return None if refused.args[0] else pytest.fail("a refusal without a message")


def line(text: str) -> str:
    """Clean one line."""
    return persian.clean_line(text, caption="نام")


def lines(text: str) -> str:
    """Clean several lines."""
    return persian.clean_lines(text, caption="نشانی")


def labels(*texts: str) -> tuple[str, ...]:
    """Read labels."""
    return persian.parse_labels(texts, caption="برچسب‌ها")


def jalali(year: int, month: int, day: int) -> date:
    """Return the Gregorian date of a Jalali day."""
    # persiantools types its methods, not its constructor.
    return JalaliDate(year, month, day).to_gregorian()  # type: ignore[no-untyped-call]


SIMPLE = st.text(
    st.characters(min_codepoint=0x20, max_codepoint=0x7E)
    | st.sampled_from("\t\n\r\u0621\u063aآأإئؤءابةغفقلمنهوپچژکگی۰۹،؛؟«»"),
    max_size=40,
)


@given(SIMPLE)
def test_simple_text_is_normalised_as_any_other(text: str) -> None:
    """The short way for texts of simple characters leads where the long one does."""

    def normalised() -> list[str]:
        return [line(text), lines(text), persian.strip_invisible(text), plain(text)]

    short = normalised()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_module, "_SIMPLE", re.compile("(?!)"))
        assert normalised() == short


# --- Digits ---------------------------------------------------------------------------------------


def test_digits_of_every_script_fold_to_ascii() -> None:
    """Each decimal digit that Unicode knows becomes the ASCII digit of its value."""
    every = [char for char in map(chr, range(sys.maxunicode + 1)) if char.isdecimal()]
    assert [persian.fold_digits(char) for char in every] == [
        str(unicodedata.decimal(char)) for char in every
    ]


def test_folding_digits_leaves_the_rest() -> None:
    """Superscripts, fractions and letters are no decimal digits."""
    assert persian.fold_digits("پلاک ۱۲، m² ½ ①") == "پلاک 12، m² ½ ①"


@each(("value", "shown"), [(1369, "۱۳۶۹"), ("۲۰ of 50", "۲۰ of ۵۰"), (None, "None"), (-7, "-۷")])
def test_any_value_is_shown_in_persian_digits(value: object, shown: str) -> None:
    """What `str` makes of a value has its ASCII digits replaced."""
    assert persian.persian_digits(value) == shown


# --- Text -----------------------------------------------------------------------------------------


@each(
    ("typed", "clean"),
    [
        pytest.param("ري\u0654يس", "رئیس", id="NFC comes before folding"),
        pytest.param("ري\u200b\u0654يس", "رئیس", id="and after dropping"),
        pytest.param("رﻳ\u0654ﻴﺲ", "رئیس", id="and after presentation forms"),
        pytest.param("ا\u200f\u0653ب", "آب", id="a dropped mark parts no letter from its own"),
        pytest.param("ا\u200c\u0653ب", "آب", id="nor does a joiner"),
        pytest.param("ﻋﻠﯽ ﭘﮋﻣﺎﻥ ﻼ", "علی پژمان لا", id="presentation forms"),
        pytest.param("عﹷلی", "ع\u064eلی", id="a tatweel from a presentation form goes"),
        pytest.param("ﷺ ﷲ ﷼ m² ½ Ａ", "ﷺ ﷲ ﷼ m² ½ Ａ", id="no NFKC elsewhere"),
        pytest.param("علي موسى كاظم", "علی موسی کاظم", id="Arabic letters"),
        pytest.param("می¬روم", "می‌روم", id="the not sign of old keyboards"),
        pytest.param("علـــی", "علی", id="tatweel"),
        pytest.param("\u202bعلی\u202c\u200e\u200f\u061c\u2066\u2069", "علی", id="bidi controls"),
        pytest.param("ع\u200bل\u200dی\ufeff\u00ad\u2060", "علی", id="zero width, soft hyphen"),
        pytest.param("ع\x01ل\x7fی\x9f", "علی", id="controls"),
        pytest.param("ع\ue000ل\U00100000ی\u0378\uffff", "علی", id="private and unassigned"),
        pytest.param(" \xa0علی\t\u2009 \r\n\x1fرضا\u3000\u2028", "علی رضا", id="white space"),
        pytest.param("می‌‌\u200f‌روم", "می‌روم", id="one joiner at a time"),
        pytest.param("‌علی‌ ‌رضا‌، ‌۵‌تا‌", "علی رضا، ۵تا", id="joiners between letters alone"),
        pytest.param("عل\u0651\u064e‌ی", "عل\u064e\u0651‌ی", id="marks belong to their letter"),
        pytest.param("\u064e‌ی", "\u064eی", id="a mark alone is no letter"),
        pytest.param("میروم", "میروم", id="none is put in"),
        pytest.param("خانۀ خانهٔ ةرحمة", "خانۀ خانهٔ ةرحمة", id="teh marbuta and heh with hamza"),
        pytest.param("مُحَمَّد", unicodedata.normalize("NFC", "مُحَمَّد"), id="harakat"),
        pytest.param("ڕۆژ کوردێ ڵ ە", "ڕۆژ کوردێ ڵ ە", id="Kurdish"),
        pytest.param("ښځه ډېر ږغ ټول ۍ", "ښځه ډېر ږغ ټول ۍ", id="Pashto"),
        pytest.param("پلاک ۱۲ ٣ 4", "پلاک ۱۲ ٣ 4", id="digits"),
        pytest.param("گل 🌹 ❤️ 👍🏽 🇮🇷", "گل 🌹 ❤️ 👍🏽 🇮🇷", id="emoji"),
        pytest.param("\U0001fae9 \U0001f6d8", "\U0001fae9 \U0001f6d8", id="emoji of next year"),
        pytest.param("\u0651\u0651\u0651", "\u0651\u0651\u0651", id="marks alone"),
        pytest.param("ا" + "\u0651" * 99, "ا" + "\u0651" * 30, id="marks without end"),
        pytest.param(" \u200b\u200c\t", "", id="nothing"),
    ],
)
def test_line_is_cleaned(typed: str, clean: str) -> None:
    """Each rule of the text section, and the order in which they hold."""
    assert line(typed) == clean


@each(
    ("typed", "clean"),
    [
        ("تهران\r\nخیابان آزادی\rپلاک ۱۲", "تهران\nخیابان آزادی\nپلاک ۱۲"),
        ("\n \n  تهران \t\n\n \xa0\n\n  پلاک   ۱۲ \n\n", "تهران\n\nپلاک ۱۲"),
        ("تهران\n\nپلاک", "تهران\n\nپلاک"),
        ("تهران\u2028كرج\x85\u200b\x0bيزد", "تهران\nکرج\n\nیزد"),
        ("می‌\nروم", "می\nروم"),
        ("\r\n", ""),
    ],
)
def test_lines_are_kept_with_one_cached_page_line_between(typed: str, clean: str) -> None:
    """Every line end is a newline, every line is cleaned and trimmed."""
    assert lines(typed) == clean


@each("char", ["\0", chr(0xD800), chr(0xDFFF), "\ufffd"])
def test_broken_characters_are_refused_by_the_fields_name(char: str) -> None:
    """A NUL, a lone surrogate and a decoder's mark are never dropped in silence."""
    message = "نام خانوادگی نشانه‌ای دارد که پذیرفته نمی‌شود؛ آن را پاک کنید."
    typed = f"رضا{char}یی"
    assert refusal(persian.clean_line, typed, caption="نام خانوادگی") == message
    assert refusal(persian.clean_lines, typed, caption="نام خانوادگی") == message
    assert refusal(persian.parse_labels, (typed,), caption="نام خانوادگی") == message


@given(ANY_TEXT)
def test_cleaning_twice_is_cleaning_once(text: str) -> None:
    """What was cleaned is clean, composed and free of Arabic letters, or was refused."""
    for clean in (line, lines):
        once = unless_refused(clean, text) or ""
        assert clean(once) == once
        assert unicodedata.is_normalized("NFC", once)
        assert not set(once) & set("يىكـ\u200b\u200e\u200f\0")


@given(ANY_TEXT)
def test_joiners_stay_only_between_letters(text: str) -> None:
    """Around each ZWNJ that stays there is a letter, perhaps with marks, and a letter."""
    clean = unless_refused(line, text) or ""
    for joiner in re.finditer(ZWNJ, clean):
        before = clean[: joiner.start()]
        while unicodedata.category(before[-1]).startswith("M"):
            before = before[:-1]
        assert before[-1].isalpha()
        assert clean[joiner.end()].isalpha()


@each(
    ("typed", "clean"),
    [
        ("\u202a ali\u200b@example\u00ad.com\ufeff \n", "ali@example.com"),
        ("۱۳۶۹/٠٧/１５", "1369/07/15"),
        ("اردی‌بهشت", "اردیبهشت"),
        ("ع\x01لـی", "علی"),
        (" \u200c\t", ""),
        ("a\0b\ufffd\ud800", "a\0b\ufffd\ud800"),
    ],
)
def test_invisible_characters_are_stripped(typed: str, clean: str) -> None:
    """Email, mobile and dates lose invisible characters; broken ones stay to be refused."""
    assert persian.strip_invisible(typed) == clean


# --- Mobile numbers -------------------------------------------------------------------------------


@each(
    "typed",
    [
        "09121234567",
        "9121234567",
        "+989121234567",
        "00989121234567",
        "989121234567",
        "+9809121234567",
        "+98(0)9121234567",
        "9809121234567",
        "++989121234567",
        "+00989121234567",
        "989121234567+",
        "+989121234567+",
        "+09121234567",
        "۰۹۱۲۱۲۳۴۵۶۷",
        "٠٩١٢١٢٣٤٥٦٧",
        "０９１２１２３４５６７",
        "۰۹۱۲۱٢٣4567",
        "＋９８９１２１２３４５６７",
        "（０９１２）１２３－４５６７",
        "0912-123-4567",
        "0912.123.4567",
        "0912/123/4567",
        "0912_123_4567",
        "0912\\123\\4567",
        "0912,123,4567",
        "(0912)1234567",
        "[0912]1234567",
        "(+98)9121234567",
        "(0098)912-123-45-67",
        "+98-912-123-4567",
        "۰۹۱۲،۱۲۳،۴۵۶۷",
        "۰۹۱۲٫۱۲۳٫۴۵۶۷",
        "۰۹۱۲٬۱۲۳٬۴۵۶۷",
        "۰۹۱۲۔۱۲۳۔۴۵۶۷",
        "۰۹۱۲ـ۱۲۳ـــ۴۵۶۷",
        "tel:+989121234567",
        "TEL:09121234567",
        "tel://09121234567",
        "«۰۹۱۲۱۲۳۴۵۶۷»",
        '"09121234567"',
        "'09121234567",
        "(0912) 123 45 67",
        "+98 (0) 912 123 4567",
        "+98 912 123 4567",
        "00 98 912 123 4567",
        "  ۰۹۱۲ ۱۲۳ ۴۵ ۶۷\n",
        "tel: +98 912 123 4567",
        "98 912 123 4567 +",
        "0 9 1 2 1 2 3 4 5 6 7",
        "0912\n123\t4567",
        *(f"0912{space}123{space}4567" for space in "\xa0\u2002\u2009\u200a\u202f\u205f\u3000"),
        *(f"0912{dash}1234567" for dash in "\u2010\u2011\u2012\u2013\u2014\u2015\u2212﹘﹣－"),
        *(f"0912{mark}123{mark}4567" for mark in "\u200b\u200c\u200d\u200e\u200f\u00ad\u061c"),
        "\u202a+98 912 123 4567\u202c",
        "\u2066\u200e09121234567\u2069\ufeff",
    ],
)
def test_every_spelling_of_a_mobile_number_is_read(typed: str) -> None:
    """People and phone books write one number in all these ways."""
    assert persian.parse_mobile(typed) == "09121234567"


@each("prefix", range(900, 1000))
def test_no_list_of_operators_decides(prefix: int) -> None:
    """Any 09 and nine digits is a mobile number, with and without its zero."""
    assert persian.parse_mobile(f"0{prefix}1234567") == f"0{prefix}1234567"
    assert persian.parse_mobile(f"{prefix}1234567") == f"0{prefix}1234567"


SHORT = "شمارهٔ همراه باید ۱۱ رقم باشد؛ {} رقم وارد شده است."


@each(
    ("typed", "message"),
    [
        *((typed, messages.MOBILE_EMPTY) for typed in ("", " \u200f\n", "-", "+", "tel:", "( ) -")),
        *((typed, messages.MOBILE_EMPTY) for typed in ("+98", "0098", "98+")),
        ("0912123456", SHORT.format("۱۰")),
        ("۰۹۱۲ ۱۲۳ ۴۵۶", SHORT.format("۱۰")),
        ("+98 912 123 456", SHORT.format("۱۰")),
        ("00989121", SHORT.format("۵")),
        ("98912123456", SHORT.format("۱۰")),
        ("912123456", SHORT.format("۹")),
        ("0", SHORT.format("۱")),
        ("0000", SHORT.format("۴")),
        ("021", SHORT.format("۳")),
        ("12345678", SHORT.format("۸")),
        ("091212345678", messages.MOBILE_LONG),
        ("+98 912 123 45678", messages.MOBILE_LONG),
        ("0989121234567", messages.MOBILE_LONG),
        ("447911123456", messages.MOBILE_LONG),
        ("09121234567-8", messages.MOBILE_LONG),
        ("9" * 5000, messages.MOBILE_LONG),
        ("02188776655", messages.MOBILE_LANDLINE),
        ("(021) 8877 6655", messages.MOBILE_LANDLINE),
        ("+98 21 8877 6655", messages.MOBILE_LANDLINE),
        ("00982188776655", messages.MOBILE_LANDLINE),
        ("+98(0)2188776655", messages.MOBILE_LANDLINE),
        ("982188776655", messages.MOBILE_LANDLINE),
        ("2188776655", messages.MOBILE_LANDLINE),
        ("88776655", messages.MOBILE_LANDLINE),
        ("0218877665", messages.MOBILE_LANDLINE),
        ("۰۵۱-۳۸۴۰۰۰۰۰", messages.MOBILE_LANDLINE),
        ("02188776655 داخلی 12", messages.MOBILE_LANDLINE),
        ("+1 (212) 555-1234", messages.MOBILE_FOREIGN),
        ("+4915112345678", messages.MOBILE_FOREIGN),
        ("00447911123456", messages.MOBILE_FOREIGN),
        ("447911123456+", messages.MOBILE_FOREIGN),
        ("＋９７１５０１２３４５６７", messages.MOBILE_FOREIGN),
        ("+9121234567", messages.MOBILE_FOREIGN),
        ("12125551234", messages.MOBILE_FOREIGN),
        ("0912FLOWERS", messages.MOBILE_LETTERS),
        ("صفر نهصد", messages.MOBILE_LETTERS),
        ("علی 09121234567", messages.MOBILE_LETTERS),
        ("0912?1234567", messages.MOBILE_LETTERS),
        ("0912+1234567", messages.MOBILE_LETTERS),
        ("0912½123456", messages.MOBILE_LETTERS),
        ("x12", messages.MOBILE_LETTERS),
        ("09121234567 داخلی", messages.MOBILE_LETTERS),
        ("0912\x001234567", messages.MOBILE_LETTERS),
        ("0912\ud8001234567", messages.MOBILE_LETTERS),
        ("0912\ufffd234567", messages.MOBILE_LETTERS),
        *(
            (f"09121234567{between}09351234567", messages.MOBILE_SEVERAL)
            for between in (
                " ",
                ",",
                "، ",
                " و ",
                "/",
                " / ",
                "\n",
                ";",
                "|",
                "-",
                " یا ",
                " or ",
                "+",
            )
        ),
        ("0912 123 4567 - 0935 123 4567", messages.MOBILE_SEVERAL),
        ("۰۹۱۲۱۲۳۴۵۶۷ و ۸۸۷۷۶۶۵۵", messages.MOBILE_SEVERAL),
        ("9121234567 9351234567", messages.MOBILE_SEVERAL),
        ("0912123456 / 0935123456", messages.MOBILE_SEVERAL),
        ("علی 09121234567 رضا 09351234567", messages.MOBILE_SEVERAL),
        ("+989121234567 +989351234567", messages.MOBILE_SEVERAL),
        *(
            (f"09121234567{extension}", messages.MOBILE_EXTENSION)
            for extension in (
                *(" داخلی 12", " داخلي ۱۲", "داخلی: ۱۲", " (داخلی ۱۲)", "-داخل 12", " ﺩﺍﺧﻠﯽ 12"),
                *(
                    "x12",
                    " X 12",
                    " ext. 12",
                    " extn 12",
                    " Extension 12",
                    "#12",
                    ";ext=12",
                    "＃１２",
                ),
            )
        ),
        ("tel:+989121234567;ext=12", messages.MOBILE_EXTENSION),
    ],
)
def test_what_is_no_single_mobile_number_is_refused_with_its_reason(
    typed: str, message: str
) -> None:
    """Each mistake has its own message, and the message is true."""
    assert refusal(persian.parse_mobile, typed) == message


@given(ANY_TEXT | LIKE_A_MOBILE)
def test_mobile_number_has_its_shape_or_is_refused(text: str) -> None:
    """For any text, the result is 09 and nine digits, and is read as the same number."""
    mobile = unless_refused(persian.parse_mobile, text)
    if mobile is not None:
        assert re.fullmatch(r"09[0-9]{9}", mobile)
        assert persian.parse_mobile(mobile) == mobile


# --- Dates ----------------------------------------------------------------------------------------


@each(
    "typed",
    [
        "۱۳۶۹/۷/۱۵",
        "1369-07-15",
        "15/7/1369",
        "13690715",
        "۱۳۶۹۰۷۱۵",
        "۱۵ مهر ۱۳۶۹",
        "1369.7.15",
        "1369 7 15",
        "1369_07_15",
        "١٣٦٩/٠٧/١٥",
        "１３６９／７／１５",
        "۱۳۶۹؍۷؍۱۵",
        "۱۳۶۹،۷،۱۵",
        "1369–7–15",
        "1369−7−15",
        "1369\\7\\15",
        "«۱۳۶۹/۷/۱۵»",
        "۱۳۶۹ مهر ۱۵",
        "مهر ۱۵ ۱۳۶۹",
        "مهر ۱۵، ۱۳۶۹",
        "۱۵مهر۱۳۶۹",
        "15-مهر-1369",
        "۱۵ مهرماه ۱۳۶۹",
        "۱۵ مهر ماه ۱۳۶۹",
        "۱۵ مهر ماه سال ۱۳۶۹",
        "یکشنبه ۱۵ مهر ۱۳۶۹",
        "یکشنبه، ۱۵ مهر ۱۳۶۹",
        "یک شنبه ۱۵ مهر ۱۳۶۹",
        "۱۳۶۹ مهر ۱۵, یکشنبه",
        "یک\u200cشنبه ۱۳۶۹/۷/۱۵",
        "۱۵ ﻣﻬﺮ ۱۳۶۹",
        "1990/10/7",
        "1990-10-07",
        "7/10/1990",
        "19901007",
        "۱۹۹۰/۱۰/۷",
    ],
)
def test_every_shape_of_a_date_is_read(typed: str) -> None:
    """Any clear order, any digits, Jalali and Gregorian."""
    assert persian.parse_date(typed) == date(1990, 10, 7)


@each(
    ("typed", "meant"),
    [
        ("\u202b\u200f ۱۵/۷/۱۳۶۹ \ufeff", date(1990, 10, 7)),
        ("2004/9/15", date(2004, 9, 15)),
        ("20040915", date(2004, 9, 15)),
        ("7/7/1369", jalali(1369, 7, 7)),
        ("1800/1/1", date(1800, 1, 1)),
        ("1799/1/1", jalali(1799, 1, 1)),
        ("1403/12/30", date(2025, 3, 20)),
        ("1404/1/1", date(2025, 3, 21)),
        ("2024/2/29", date(2024, 2, 29)),
        ("۳۱ اردی‌بهشت ۱۳۹۵", jalali(1395, 2, 31)),
        ("۳۱ اردیبهشت ۱۳۹۵", jalali(1395, 2, 31)),
        ("۳۱ اردی بهشت ۱۳۹۵", jalali(1395, 2, 31)),
        ("۳۱ ارديبهشت‌ماه ۱۳۹۵", jalali(1395, 2, 31)),
        ("۳۱ اردی¬بهشت ۱۳۹۵", jalali(1395, 2, 31)),
        ("5 امرداد 1360", jalali(1360, 5, 5)),
        ("5 مرداد 1360", jalali(1360, 5, 5)),
        ("5 ابان 1360", jalali(1360, 8, 5)),
        ("5 اذر 1360", jalali(1360, 9, 5)),
        ("پنج شنبه ۱۴ دي ۱۳۷۴", jalali(1374, 10, 14)),
        ("سه‌شنبه ۱۲ فروردين ۱۳۹۹", jalali(1399, 1, 12)),
        ("چهار شنبه ۱۳ فروردین ۱۳۹۹", jalali(1399, 1, 13)),
        ("جمعه ۱۵ فروردین ۱۳۹۹", jalali(1399, 1, 15)),
    ],
)
def test_spellings_of_dates_are_read(typed: str, meant: date) -> None:
    """Months in all their spellings, weekdays before them, the calendar by the year."""
    assert persian.parse_date(typed) == meant


@each("year", range(1390, 1413))
def test_esfand_has_thirty_days_only_in_leap_years(year: int) -> None:
    """The leap years from 1390 to 1412 are those of the official calendar."""
    typed = f"{year}/12/30"
    if year in {1391, 1395, 1399, 1403, 1408, 1412}:
        assert persian.parse_date(typed) + timedelta(days=1) == persian.parse_date(
            f"{year + 1}/1/1"
        )
    else:
        message = f"اسفند {persian.persian_digits(year)} روز ۳۰ ندارد."
        assert refusal(persian.parse_date, typed) == message


@each(
    ("typed", "message"),
    [
        *(
            (typed, messages.DATE_SHAPE)
            for typed in (
                *(
                    "",
                    " ",
                    "/",
                    "۱۳۶۹",
                    "۱۳۶۹/۷",
                    "مهر ۱۳۶۹",
                    "۱۳۶۹/۷/۱۵/۲",
                    "1369071",
                    "136907150",
                ),
                *(
                    "فردا",
                    "۱۵ مهران ۱۳۶۹",
                    "۱۵ مهر ۱۳۶۹ ق",
                    "1369:7:15",
                    "1369/7/15?",
                    "پانزده مهر ۱۳۶۹",
                ),
                *(
                    "۱۳۶۹/۷/۱۳۷۰",
                    "1369/007/15",
                    "13690/7/15",
                    "0000/1/1",
                    "1/1/1369x",
                    "15 Mehr 1369",
                ),
                *("مهر مهر ۱۳۶۹", "1369/7/½", "abcdefgh", "الف/ب/پ"),
                *(
                    "9" * 5000,
                    "9" * 5000 + "/1/1",
                    "1369/" + "1" * 5000 + "/1",
                    "1/1/" + "0" * 5000,
                ),
                *("1369/7/15\0", "1369\ud800/7/15", "1369/7/15\ufffd"),
            )
        ),
        *(
            (typed, messages.DATE_TWO_DIGIT_YEAR)
            for typed in (
                "69/7/15",
                "15/7/69",
                "۱۵ مهر ۶۹",
                "690715",
                "1/2/3",
                "138/7/15",
                "69/13/40",
            )
        ),
        *(
            (typed, messages.DATE_MONTH)
            for typed in ("1369/13/1", "1369/0/1", "13691301", "7/15/1990")
        ),
        ("۱۵ مهر ۲۰۲۳", messages.DATE_JALALI_YEAR),
        ("1404/12/30", "اسفند ۱۴۰۴ روز ۳۰ ندارد."),
        ("1407/12/30", "اسفند ۱۴۰۷ روز ۳۰ ندارد."),
        ("۳۱ مهر ۱۳۶۹", "مهر ۱۳۶۹ روز ۳۱ ندارد."),
        ("1369/1/32", "فروردین ۱۳۶۹ روز ۳۲ ندارد."),
        ("1369/1/0", "فروردین ۱۳۶۹ روز ۰ ندارد."),
        ("2023/2/30", "فوریهٔ ۲۰۲۳ روز ۳۰ ندارد."),
        ("31/11/2023", "نوامبر ۲۰۲۳ روز ۳۱ ندارد."),
    ],
)
def test_what_is_no_date_is_refused_with_its_reason(typed: str, message: str) -> None:
    """The shape, the year's digits, the month and the day each have their message."""
    assert refusal(persian.parse_date, typed) == message


@each(
    ("day", "month", "year"),
    [
        ("۱۵", "۷", "۱۳۶۹"),
        ("15", "07", "1369"),
        (" 15\u200f", "مهر", "\xa0١٣٦٩ "),
        ("15", "مهر ماه", "سال ۱۳۶۹"),
        ("7", "10", "1990"),
    ],
)
def test_three_inputs_make_a_date(day: str, month: str, year: str) -> None:
    """The month is a number or a name, the calendar goes by the year."""
    assert persian.parse_date_parts(day, month, year) == date(1990, 10, 7)


def wrong_parts(names: str) -> str:
    """Return the message that these parts have no such shape."""
    return messages.DATE_PARTS_WRONG.format(parts=names)


@each(
    ("parts", "message"),
    [
        (("", "7", "1369"), "روز را هم وارد کنید."),
        (("15", " ", "1369"), "ماه را هم وارد کنید."),
        (("15", "مهر", ""), "سال را هم وارد کنید."),
        (("", "7", "\u200f"), "روز و سال را هم وارد کنید."),
        (("", "", "1369"), "روز و ماه را هم وارد کنید."),
        (("15", "", ""), "ماه و سال را هم وارد کنید."),
        (("", "", ""), wrong_parts("روز و ماه و سال")),
        (("15/7", "7", "1369"), wrong_parts("روز")),
        (("15", "ابر", "1369"), wrong_parts("ماه")),
        (("،۱۵،", "7", "سیصد"), wrong_parts("سال")),
        (("15", "مهر", "1990"), messages.DATE_JALALI_YEAR),
        (("مهر", "15", "1369"), wrong_parts("روز")),
        (("15", "7", "9" * 5000), wrong_parts("سال")),
        (("15", "7", "69"), messages.DATE_TWO_DIGIT_YEAR),
        (("15", "13", "1369"), messages.DATE_MONTH),
        (("30", "12", "1404"), "اسفند ۱۴۰۴ روز ۳۰ ندارد."),
        (("30", "2", "2023"), "فوریهٔ ۲۰۲۳ روز ۳۰ ندارد."),
    ],
)
def test_three_inputs_are_checked_as_one(parts: tuple[str, str, str], message: str) -> None:
    """A missing or unreadable part is named; otherwise the same messages as for one text."""
    assert refusal(persian.parse_date_parts, *parts) == message


@each(
    ("value", "birth"),
    [
        (jalali(1280, 1, 1), True),
        (jalali(1280, 1, 1), False),
        (TODAY, True),
        (TODAY + timedelta(days=1), False),
        (jalali(1500, 12, 29), False),
    ],
)
def test_dates_within_their_range_pass(value: date, *, birth: bool) -> None:
    """Births reach from 1280 to today, other dates to the end of 1500."""
    persian.check_range(value, birth=birth, today=TODAY)


@each(
    ("value", "birth", "message"),
    [
        (TODAY + timedelta(days=1), True, "تاریخ تولد نمی‌تواند در آینده باشد."),
        (date.max, True, "تاریخ تولد نمی‌تواند در آینده باشد."),
        (jalali(1279, 12, 29), True, "سال باید بین ۱۲۸۰ تا ۱۴۰۴ باشد."),
        (jalali(1279, 12, 29), False, "سال باید بین ۱۲۸۰ تا ۱۵۰۰ باشد."),
        (jalali(1501, 1, 1), False, "سال باید بین ۱۲۸۰ تا ۱۵۰۰ باشد."),
        (date.min, False, "سال باید بین ۱۲۸۰ تا ۱۵۰۰ باشد."),
        (date.max, False, "سال باید بین ۱۲۸۰ تا ۱۵۰۰ باشد."),
    ],
)
def test_dates_beyond_their_range_are_refused(value: date, *, birth: bool, message: str) -> None:
    """Even the ends of Python's calendar are refused, not stumbled over."""
    assert refusal(persian.check_range, value, birth=birth, today=TODAY) == message


def test_dates_are_shown_in_persian() -> None:
    """In words with the weekday, in figures without leading zeros."""
    assert persian.date_in_words(date(1990, 10, 7)) == "یکشنبه ۱۵ مهر ۱۳۶۹"
    assert persian.date_in_words(date(2025, 3, 20)) == "پنجشنبه ۳۰ اسفند ۱۴۰۳"
    assert persian.jalali_slashes(date(1990, 10, 7)) == "۱۳۶۹/۷/۱۵"


@given(st.dates(jalali(1300, 1, 1), jalali(1450, 12, 29)))
def test_what_is_shown_is_read_back(day: date) -> None:
    """A date that the page prints can be typed into it, in every form."""
    assert persian.parse_date(persian.date_in_words(day)) == day
    assert persian.parse_date(persian.jalali_slashes(day)) == day
    assert persian.parse_date(day.isoformat()) == day
    year, month, number = persian.jalali_slashes(day).split("/")
    assert persian.parse_date_parts(number, month, year) == day
    assert persian.parse_date(f"{year}{month:۰>2}{number:۰>2}") == day


@given(ANY_TEXT | LIKE_A_DATE, ANY_TEXT | LIKE_A_DATE, ANY_TEXT | LIKE_A_DATE)
def test_date_is_read_or_refused(day: str, month: str, year: str) -> None:
    """For any text, the result is a date or a message."""
    results = (
        unless_refused(persian.parse_date, day),
        unless_refused(persian.parse_date_parts, day, month, year),
    )
    assert all(result is None or isinstance(result, date) for result in results)


# --- Labels ---------------------------------------------------------------------------------------


@each("separator", [*SEPARATORS, "\n", "\r\n", "\r", "\u2028", "\u037e"])
def test_labels_are_split_on_every_separator(separator: str) -> None:
    """Commas, semicolons and bars of all widths, line ends, and what normalises into one."""
    typed = f"مشتري{separator} همکار {separator}{separator}"
    assert persian.parse_labels((typed,), caption="برچسب‌ها") == ("مشتری", "همکار")


@each(
    ("typed", "read"),
    [
        ("", ()),
        (" ، , ؛\n# ، ##", ()),
        ("#مشتری، ##همکار، # دوست، ＃ویژه، ﹟تهران", ("مشتری", "همکار", "دوست", "ویژه", "تهران")),
        ("C#، a#b", ("C#", "a#b")),
        ("مشتری ویژه   ما", ("مشتری ویژه ما",)),
        ("Straße، STRASSE، vip, VIP", ("Straße", "vip")),
        ("خوش‌حساب، خوشحساب, خوش حساب", ("خوش‌حساب", "خوش حساب")),
        ("‌علی‌،‌رضا‌", ("علی", "رضا")),
        ("علي، ﻋﻠﯽ، عـلی", ("علی",)),
    ],
)
def test_labels_are_cleaned_and_kept_once(typed: str, read: tuple[str, ...]) -> None:
    """Leading hashes and empty labels go; of equal labels the first spelling stays."""
    assert labels(typed) == read


def test_labels_of_several_texts_are_joined() -> None:
    """Ticked labels and typed ones are one list, each label once."""
    assert labels("مشتری", "همکار", "", "دوست، مشتری") == ("مشتری", "همکار", "دوست")
    assert labels() == ()


def test_twenty_labels_pass_and_one_more_does_not() -> None:
    """The limit counts different labels."""
    twenty = [f"برچسب {number}" for number in range(20)]
    assert labels("،".join(twenty + twenty)) == tuple(twenty)
    message = "حداکثر ۲۰ برچسب می‌توانید وارد کنید."
    assert refusal(labels, "،".join(twenty), "یکی دیگر") == message


def test_label_of_fifty_passes_and_a_longer_one_does_not() -> None:
    """Length counts code points after normalising."""
    assert labels("# " + "ب" * 50 + "\u200f ") == ("ب" * 50,)
    long = "ب" * 51
    assert refusal(labels, "آ", long) == messages.LABEL_TOO_LONG.format(label=long)


@given(st.lists(ANY_TEXT, max_size=3))
def test_labels_are_clean_or_refused(texts: list[str]) -> None:
    """No label holds a separator, all are different, and reading them again changes nothing."""
    read = unless_refused(labels, *texts) or ()
    assert not set("".join(read)) & set(SEPARATORS + "\n")
    assert all(one.casefold() != other.casefold() for one, other in combinations(read, 2))
    assert labels(*read) == labels("،".join(read)) == read
    assert tuple(map(line, read)) == read


# --- Time -----------------------------------------------------------------------------------------


@each("piece", ["ا\u0651\u200c", "\u0300\u0316", "1x", "9", "ا،", "\n "])
def test_long_texts_take_no_long_time(piece: str) -> None:
    """Sixteen thousand characters of anything are dealt with in an instant."""
    text = piece * (16_384 // len(piece))
    begun = time.process_time()
    for read in (line, lines, labels, persian.parse_mobile, persian.parse_date):
        unless_refused(read, text)
    assert time.process_time() - begun < 2


def test_emoji_of_several_signs_stay_whole_and_no_other_joiner_does() -> None:
    """Families, couples and flags; normalising twice changes nothing."""
    for emoji in ("👨\u200d👩\u200d👧", "🏳\ufe0f\u200d🌈", "👩🏽\u200d⚕\ufe0f", "❤\ufe0f\u200d🔥"):
        text = f"خانوادهٔ {emoji} ما"
        assert line(text) == line(line(text)) == text
    assert line("👨\u200d ع\u200dلی\u200d") == "👨 علی"


def test_line_with_one_number_and_a_name_is_divided_and_no_other() -> None:
    """As people copy it from chats and spreadsheets; two words in a cell are a whole name."""
    mobile = "09121234567"
    divided = {
        "سارا احمدی ۰۹۱۲۱۲۳۴۵۶۷": ("سارا", "احمدی", ""),
        "0912 123 4567 - علی رضایی": ("علی", "رضایی", ""),
        "علی رضایی\t09121234567\tتهران": ("علی", "رضایی", "تهران"),
        "سید علی\tاحمدی‌پور\t+98 (912) 123-4567": ("سید علی", "احمدی‌پور", ""),
        "علی,رضایی,شرکت نمونه,9121234567": ("علی", "رضایی", "شرکت نمونه"),
        "علی رضایی، تهران: ۰۹۱۲۱۲۳۴۵۶۷": ("علی", "رضایی", "تهران"),
        "09121234567 (محمد رضا کاظمی)": ("محمد رضا", "کاظمی", ""),
        "\u202a+98 912 123 4567\u202c مریم": ("مریم", "", ""),
        "۹۸۹۱۲۱۲۳۴۵۶۷+ – Ali Rezaei": ("Ali", "Rezaei", ""),
    }
    lines = {text: divide_line(text) for text in divided}
    assert {text: line and (*line.names, line.rest) for text, line in lines.items()} == divided
    assert {line and line.mobile for line in lines.values()} == {mobile}
    others = (
        *("", "سارا احمدی", mobile, f"{mobile} - ", "علی ۰۲۱۸۸۷۷۶۶۵۵", "علی 0912123456"),
        *(f"علی {mobile} رضا 09351112233", f"علی {mobile} 09351112233", f"علی 2 {mobile}"),
        *(f"a@example.com {mobile}", f"{mobile} داخلی 12"),
    )
    assert [text for text in others if divide_line(text)] == []
