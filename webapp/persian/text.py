"""Normalises Persian text, its letters, digits and white space; and reads mobile numbers.

The functions of this package are pure. They raise `InvalidText` for invalid input, with a finished
Persian message for the person who typed it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from itertools import groupby, islice
from typing import Final

from persiantools import digits

from webapp import messages


class InvalidText(ValueError):
    """Invalid input; `args[0]` is the message for the person who typed it, in Persian.

    Attributes:
        parts: Which parts of a date are wrong, of `DATE_PARTS`; () if that is not known.
    """

    def __init__(self, message: str, *, parts: tuple[str, ...] = ()) -> None:
        """Say what is wrong, and in which parts."""
        super().__init__(message)
        self.parts = parts


_OTHER_DIGIT: Final = re.compile(r"(?![0-9])\d")


def fold_digits(text: str) -> str:
    """Return the text with the decimal digits of every script as ASCII digits."""
    if text.isascii():
        return text
    return _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)


def persian_digits(value: object) -> str:
    """Return `str(value)` with its ASCII digits as Persian ones, for prose."""
    return digits.en_to_fa(str(value))


_SEPARATORS: Final = str.maketrans({",": "٬", ".": "٫"})


def persian_number(value: float, *, decimals: int = 0) -> str:
    """Return a number as prose writes it, «۱۲٬۳۴۵٫۶»."""
    return persian_digits(f"{value:,.{decimals}f}").translate(_SEPARATORS)


ZWNJ: Final = "\u200c"
ZWJ: Final = "\u200d"

# NUL, lone surrogates, and the replacement character of a decoder.
_BAD_CHARACTER: Final = re.compile("[\0\ud800-\udfff\ufffd]")

# Contextual letter forms, which old PDF files and systems use. Without the block from U+FC00, whose
# ligatures, such as ﷺ, mean whole phrases.
_PRESENTATION_FORMS: Final = re.compile("[\ufb50-\ufbff\ufe70-\ufefc]+")

# Tatweel, soft hyphen, bidi controls, zero-width space and joiner, word joiner and similar, BOM.
_INVISIBLE: Final = re.compile(
    "[\u0640\u00ad\u061c\u200b\u200d-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
)
_MEANINGLESS_CATEGORIES: Final = frozenset({"Cc", "Co", "Cn"})  # control, private use, unassigned

# Reserved for emoji: a character that Python does not know here is a newer emoji.
_EMOJI: Final = re.compile("[\U0001f000-\U0001faff]")

# A joiner between two of them makes one emoji, such as a family; elsewhere it is dropped.
_EMOJI_JOINER: Final = re.compile(
    "(?<=[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f])\u200d(?=[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff])"
)

# Characters that normalising leaves as they are, next to any others: ASCII, letters and
# digits of Persian, its punctuation. Most texts have no other, and are normalised much faster.
_SIMPLE: Final = re.compile(
    "[\t\n\r -~\u0621-\u063a\u0641\u0642\u0644-\u0648\u067e\u0686\u0698\u06a9\u06af\u06cc"
    "\u06f0-\u06f9\u060c\u061b\u061f«»]*"
)

# The limit of Unicode's stream-safe text format (UAX 15): no language needs more marks.
_MAX_MARKS: Final = 30

_PERSIAN_LETTERS: Final = str.maketrans("يىك", "ییک")
_BLANK_LINES: Final = re.compile(r"\n{3,}")


def clean_line(text: str, *, caption: str) -> str:
    """Normalise a text of one line: a name, a company, a city.

    Arabic letters become Persian ones, invisible characters are removed, white space becomes one
    space.

    Raises:
        InvalidText: if the text has a NUL, a lone surrogate or a replacement character.
    """
    return " ".join(_checked(text, caption).split())


def clean_lines(text: str, *, caption: str) -> str:
    r"""Normalise a text of several lines: an address.

    Each line is normalised as by `clean_line`. Lines end in `\n`; several blank lines become
    one, and none are left at the ends.

    Raises:
        InvalidText: as `clean_line`.
    """
    lines = (" ".join(line.split()) for line in _checked(text, caption).splitlines())
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


def strip_invisible(text: str) -> str:
    """Remove invisible characters and outer white space, and convert digits to ASCII.

    For email addresses, mobile numbers and dates. NUL and replacement characters stay, and fail the
    field's own check.
    """
    if not text:
        return text  # most fields are empty
    return fold_digits(_without_invisible(text).replace(ZWNJ, "")).strip()


def comparison_key(text: str) -> str:
    """Return a key that is equal for texts that differ only in spelling.

    It ignores white space, invisible characters, and the forms of letters and digits.
    """
    return "".join(plain(text).split())


# People type a name with any alef, and with or without a hamza, a vowel or a space.
_SEARCHED: Final = str.maketrans(
    "آأإٱؤئۀة۰۱۲۳۴۵۶۷۸۹", "ااااویهه0123456789", f" {ZWNJ}\u0654\u064b\u064c\u064d\u064e\u064f\u0650"
)


def search_key(text: str) -> str:
    """Return a key of a normalised text for searching: equal for common variants of spelling."""
    return text.casefold().translate(_SEARCHED)


# Unicode has the Arabic letters first.
_ALPHABET: Final = "آ اأإٱ ب پ ت ث ج چ ح خ د ذ ر ز ژ س ش ص ض ط ظ ع غ ف ق ک گ ل م ن وؤ هۀة یئ"
_IN_ORDER: Final = {
    ord(char): place for place, like in enumerate(_ALPHABET.split(), start=0x600) for char in like
}


def sort_key(text: str) -> str:
    """Return a key by which normalised texts sort as the Persian alphabet does."""
    return text.casefold().replace(ZWNJ, "").translate(_IN_ORDER)


def _checked(text: str, caption: str) -> str:
    if _BAD_CHARACTER.search(text):
        raise InvalidText(messages.BAD_CHARACTER.format(caption=caption))
    return _normalised(text)


def _normalised(text: str) -> str:
    """Normalise everything but white space, in the one order that works.

    What is dropped goes before NFC, as it may stand between a letter and its hamza. Letters are
    folded after NFC: «ی» for «ي» no longer joins its hamza to «ئ».
    """
    if _SIMPLE.fullmatch(text):
        return text
    text = _PRESENTATION_FORMS.sub(lambda run: unicodedata.normalize("NFKC", run[0]), text)
    text = _without_invisible(text).replace("¬", ZWNJ)
    text = _composed(_with_joiners_between_letters(text))
    return text.translate(_PERSIAN_LETTERS)


def _without_invisible(text: str) -> str:
    if _SIMPLE.fullmatch(text):
        return text
    return ZWJ.join(without(_is_invisible, part) for part in _EMOJI_JOINER.split(text))


@lru_cache(maxsize=4096)  # all texts have few different characters
def _is_invisible(char: str) -> bool:
    """Return whether a character is dropped; white space and bad characters have own rules."""
    if char.isspace() or _BAD_CHARACTER.match(char) or _EMOJI.match(char):
        return False
    return bool(_INVISIBLE.match(char)) or unicodedata.category(char) in _MEANINGLESS_CATEGORIES


def without(unwanted: Callable[[str], bool], text: str) -> str:
    """Drop the unwanted characters, asking once about each that occurs."""
    return text.translate({ord(char): None for char in set(text) if unwanted(char)})


def _with_joiners_between_letters(text: str) -> str:
    """Keep one ZWNJ between two letters, none elsewhere; a letter's marks belong to the letter."""
    if ZWNJ not in text:
        return text
    kept: list[str] = []
    after_letter = joiner = False
    for char in text:
        if char == ZWNJ:
            joiner = True
            continue
        if joiner and after_letter and char.isalpha():
            kept.append(ZWNJ)
        joiner = False
        kept.append(char)
        if not _is_mark(char):
            after_letter = char.isalpha()
    return "".join(kept)


def _composed(text: str) -> str:
    """Return the text in NFC, whose time is quadratic in the marks in a row.

    The marks are counted again after it: it takes some of them apart.
    """
    return _with_few_marks(unicodedata.normalize("NFC", _with_few_marks(text)))


def _with_few_marks(text: str) -> str:
    if len(text) <= _MAX_MARKS:
        return text
    runs = groupby(text, key=_is_mark)
    return "".join(
        char for marks, run in runs for char in islice(run, _MAX_MARKS if marks else None)
    )


def _is_mark(char: str) -> bool:
    return unicodedata.category(char).startswith("M")


# Dashes, brackets, quotes, underscores; then what shares its category with other signs: dots,
# commas, slashes, the Arabic date separator, the minus sign.
_PUNCTUATION_CATEGORIES: Final = frozenset({"Pd", "Ps", "Pe", "Pi", "Pf", "Pc"})
_PUNCTUATION: Final = frozenset(".·•۔,،٫٬/\\⁄∕؍−⁃'\"")
_FULL_WIDTH: Final = {ord("！") + offset: ord("!") + offset for offset in range(94)}


def plain(text: str) -> str:
    """Return the text normalised, with ASCII digits and ASCII punctuation, nothing invisible."""
    if _SIMPLE.fullmatch(text):
        return fold_digits(text).strip()
    return strip_invisible(_normalised(text)).translate(_FULL_WIDTH)


@lru_cache(maxsize=4096)
def is_punctuation(char: str) -> bool:
    """Return whether people put this character between the groups of a number or a date."""
    return (
        char.isspace()
        or char in _PUNCTUATION
        or unicodedata.category(char) in _PUNCTUATION_CATEGORIES
    )


_MOBILE_LENGTH: Final = 11
_MOBILE: Final = re.compile(r"09\d{9}")
# With the area's code, with it but without its zero, and without it.
_LANDLINE: Final = re.compile(r"0[1-8]\d{6,9}|[1-8]\d{9}|[2-8]\d{7}")
_INTERNATIONAL: Final = re.compile(r"(?:\++(?:00)?|00)(?P<rest>[1-9]\d*)")
_IRAN: Final = "98"
_EXTENSION: Final = re.compile(r"(?<=[\d+])(?:;?ext(?:n|ension)?|x|#|داخلی?)[:=#]?\d+$")
_DIGITS: Final = re.compile(r"\d+")
_WHOLE_NUMBER: Final = 8  # digits in a row: a landline's, the shortest number people write
_TWO_NUMBERS: Final = 20  # digits: no number has more than 15 (E.164), and two mobiles have 20


def parse_mobile(text: str) -> str:
    """Read an Iranian mobile number in any spelling that people and phone books use.

    Any `09` and nine digits will do: lists of operators' prefixes age and refuse real people.

    Returns:
        The number as `09xxxxxxxxx`.

    Raises:
        InvalidText: if it is empty, several numbers, not a number, foreign, a landline, of the
            wrong length, or has an extension.
    """
    spelled = plain(text).casefold().removeprefix("tel:")
    if _holds_several(spelled):
        raise InvalidText(messages.MOBILE_SEVERAL)
    compact = without(is_punctuation, spelled)
    number = _EXTENSION.sub("", compact)
    mobile = _checked_mobile(_national(number))
    if number != compact:
        raise InvalidText(messages.MOBILE_EXTENSION)
    return mobile


def _holds_several(text: str) -> bool:
    """Return whether a text has several numbers, not only the groups of one."""
    lengths = [len(run) for run in _DIGITS.findall(text)]
    whole = sum(length >= _WHOLE_NUMBER for length in lengths)
    return whole > 1 or (len(lengths) > 1 and sum(lengths) >= _TWO_NUMBERS)


def _national(number: str) -> str:
    """Return the number as it is dialled within Iran, from digits and perhaps a plus."""
    if number.endswith("+"):  # pasted into right-to-left text, a plus moves to the end
        number = "+" + number.strip("+")
    local = number.lstrip("+")
    if not local:
        raise InvalidText(messages.MOBILE_EMPTY)
    if not _DIGITS.fullmatch(local):
        raise InvalidText(messages.MOBILE_LETTERS)
    if international := _INTERNATIONAL.fullmatch(number):
        return _without_country_code(international["rest"])
    if local.startswith(_IRAN) and len(local) >= _MOBILE_LENGTH:
        return _without_country_code(local)
    if local.startswith("9") and len(local) == _MOBILE_LENGTH - 1:
        return "0" + local
    return local


def _without_country_code(number: str) -> str:
    if not number.startswith(_IRAN):
        raise InvalidText(messages.MOBILE_FOREIGN)
    rest = number.removeprefix(_IRAN)
    if not rest:
        raise InvalidText(messages.MOBILE_EMPTY)
    return "0" + rest.removeprefix("0")


def _checked_mobile(number: str) -> str:
    if _MOBILE.fullmatch(number):
        return number
    if _LANDLINE.fullmatch(number):
        raise InvalidText(messages.MOBILE_LANDLINE)
    if len(number) < _MOBILE_LENGTH:
        raise InvalidText(messages.MOBILE_SHORT.format(n=persian_digits(len(number))))
    if len(number) > _MOBILE_LENGTH:
        raise InvalidText(messages.MOBILE_LONG)
    raise InvalidText(messages.MOBILE_FOREIGN)  # eleven digits that begin as no Iranian number does
