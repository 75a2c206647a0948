"""The texts of importing a spreadsheet, in Persian."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

LINK: Final = "ثبت از فایل"
TITLE: Final = "ثبت مخاطبان از فایل"
INTRO: Final = "پیش از ارسال، پیش‌نمایش نشان داده می‌شود. تا آن را تأیید نکنید چیزی فرستاده نمی‌شود."
FILE: Final = "فایل مخاطبان"
FILE_HINT: Final = (
    "آن را انتخاب کنید یا در این کادر رها کنید: اکسل، CSV یا مخاطبان گوشی، تا {size} مگابایت و "
    "{rows} سطر."
)
FORM: Final = "فرم"
UPLOAD: Final = "دیدن پیش‌نمایش"
SAMPLE: Final = "دریافت فایل نمونه"
SAMPLE_OF: Final = "دریافت فایل نمونهٔ «{title}»"
NO_FORM: Final = "هیچ فرمی برای ثبت از فایل تعریف نشده است."
RECENT: Final = "پیش‌نویس‌ها و ثبت‌های ۳۰ روز گذشته"
FILE_NAME: Final = "فایل"
OPERATOR: Final = "ثبت‌کننده"
FILE_OF: Final = "{title} (\u2068{file}\u2069)"
NO_FILE: Final = "یک فایل انتخاب کنید."
PAGE_EXPIRED: Final = "اعتبار این صفحه به پایان رسیده بود. فایل را دوباره انتخاب کنید و بفرستید."
TOO_LARGE: Final = "حجم فایل بیشتر از {size} مگابایت است. آن را به چند فایل کوچک‌تر تقسیم کنید."
FORM_UNKNOWN: Final = "فرم را انتخاب کنید."
BUSY: Final = "فایل‌های دیگری در حال بررسی است. چند دقیقهٔ دیگر دوباره بفرستید."
GONE: Final = "این پیش‌نمایش دیگر در دسترس نیست. فایل را دوباره بفرستید."

# The preview

PREVIEW_TITLE: Final = "پیش‌نمایش: {title}"
PREVIEW_INTRO: Final = "هنوز چیزی فرستاده نشده است. این پیش‌نمایش حداکثر یک ساعت می‌ماند."
READY: Final = "آمادهٔ ارسال"
WRONG: Final = "نادرست"
TWICE: Final = "با شمارهٔ تکراری"
COLUMNS: Final = "ستون‌های فایل"
COLUMNS_INTRO: Final = "مشخص کنید هر ستون کدام فیلد فرم است؛ سپس پیش‌نمایش را به‌روز کنید."
COLUMN: Final = "عنوان در فایل"
SHEET: Final = "برگهٔ فایل"
ALIKE_SHEETS: Final = "همهٔ برگه‌های همسان ({n})"
ROW_OF_SHEET: Final = "{sheet}، {row}"
HEADER_ROW: Final = "سطر عنوان ستون‌ها"
NO_HEADER: Final = "بدون عنوان"
LEFT_OUT: Final = "وارد نشود"
LEFT_OUT_COLUMNS: Final = "{n} ستون وارد نمی‌شود: {titles}"
EMPTY_COLUMNS: Final = "ستون‌های خالی"
MISLEADING_COLUMNS: Final = "محتوای این ستون‌ها با عنوانشان سازگار نیست: {titles}"
LEFT_OUT_SHEETS: Final = "{n} برگهٔ دیگر این فایل وارد نمی‌شود."
LEFT_OUT_ROWS: Final = "{n} سطر وارد نمی‌شود: جمع، یادداشت یا تکرار عنوان‌ها."
NO_NAME_COLUMN: Final = "ستونی برای نام مشخص نشده است؛ مخاطبان بدون نام ثبت می‌شوند."
REMEMBERED: Final = "ستون‌ها مانند فایل قبلی با همین عنوان‌ها انتخاب شده است."
DATE_ORDER: Final = "ترتیب تاریخ"
DATE_ORDERS: Final[Mapping[str, str]] = MappingProxyType(
    {"day": "روز/ماه/سال", "month": "ماه/روز/سال"}
)
DATE_ORDER_HINT: Final = "تاریخ‌ها ترتیب روز و ماه را نشان نمی‌دهند؛ پیش از ارسال آن را انتخاب کنید."
DATE_ORDER_ASKED: Final = "ترتیب تاریخ را در ستون «\u2068{title}\u2069» انتخاب کنید."
WHOLE_NAME: Final = "نام و نام خانوادگی با هم (تقسیم شود)"
SHARED: Final = "برای همهٔ سطرها"
SHARED_HINT: Final = (
    "برای سطرهایی که در فایل مقداری برای آن ندارند. برچسب‌ها به همهٔ سطرها افزوده می‌شوند."
)
NOT_CHOSEN: Final = "انتخاب نشده"
RENEW: Final = "به‌روز کردن پیش‌نمایش"
NOT_RENEWED: Final = "پیش‌نمایش به‌روز نشد. موارد زیر را اصلاح کنید:"
NOT_SENT: Final = "هنوز چیزی فرستاده نشده است. موارد زیر را اصلاح کنید:"
UNSENT: Final = (
    "هنوز چیزی فرستاده نشده است: پیش از ارسال، پیش‌نمایش با انتخاب‌های شما به‌روز شد. آن را ببینید و "
    "دوباره بفرستید."
)
FIELD_TWICE: Final = "«{caption}» برای دو ستون انتخاب شده است."
COLUMN_UNKNOWN: Final = "برای هر ستون یکی از فیلدهای فهرست را انتخاب کنید."
NO_MOBILE: Final = "ستون «{caption}» مشخص نشده است؛ آن را در «ستون‌های فایل» انتخاب کنید."
WRONG_TITLE: Final = "سطرهای نادرست"
MEND_INTRO: Final = "این سطرها فرستاده نمی‌شوند. آن‌ها را همین‌جا اصلاح و سپس ذخیره کنید."
MEND_FIRST_INTRO: Final = (
    "این سطرها فرستاده نمی‌شوند. {n} سطر اول را همین‌جا اصلاح کنید، یا همه را دریافت و اصلاح کنید و "
    "دوباره وارد کنید."
)
MEND: Final = "ذخیرهٔ اصلاح‌ها"
CELL_OF_ROW: Final = "{column}، سطر {row}"
MENDED_OF_SHEET: Final = "با انتخاب برگهٔ دیگر، اصلاح‌های سطرهای این برگه از بین می‌رود."
WRONG_ERASED: Final = (
    "سطرهای نادرست دیگر در دسترس نیست",
    "سطرهای نادرست حداکثر یک ساعت می‌ماند. برای دیدن آن‌ها فایل را دوباره وارد کنید.",
)
FIRST_OF: Final = "{n} سطر نخست از {total} سطر"
ROW: Final = "سطر"
CELL: Final = "مقدار"
PROBLEM: Final = "اشکال"
DOWNLOAD_WRONG: Final = "دریافت سطرهای نادرست"
TWICE_TITLE: Final = "سطرهای تکراری"
TWICE_INTRO: Final = "شمارهٔ همراه این سطرها بیش از یک بار در فایل آمده است."
TWICE_QUESTION: Final = "از سطرهای تکراری کدام فرستاده شود؟"
TWICE_CHOICES: Final[Mapping[str, str]] = MappingProxyType(
    {"first": "فقط نخستین", "last": "فقط آخرین", "all": "همه"}
)
KNOWN_NUMBERS: Final = "با شمارهٔ موجود"
KNOWN_QUESTION: Final = "سطرهایی که شمارهٔ آن‌ها از پیش موجود است:"
KNOWN_CHOICES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "skip": "فرستاده نشود",
        "send": "فرستاده شود، به‌صورت مخاطبی دیگر با همان شماره",
    }
)
KNOWN_TITLE: Final = "سطرهای با شمارهٔ موجود"
KNOWN_SOURCE: Final = "محل"
KNOWN_SOURCES: Final[Mapping[str, str]] = MappingProxyType(
    {"outbox": "صف ارسال", "imported": "ثبت‌های پیشین از فایل", "phonebook": "دفتر تلفن"}
)
DIFFERENCES: Final = "تفاوت با مخاطب موجود"
DIFFERENCE: Final = "{caption} (مخاطب موجود: \u2068{text}\u2069)"
NOTHING: Final = "خالی"
NO_DIFFERENCE: Final = "بدون تفاوت"
SAME_FILE: Final = "همین فایل پیش‌تر وارد شده است: {time}."
SAME_FILE_LINK: Final = "گزارش آن ثبت"
SEARCHING: Final = "جست‌وجوی شماره‌ها در دفتر تلفن: {n} از {total}"
SEARCHING_HINT: Final = "می‌توانید منتظر نمانید؛ شماره‌هایی که هنوز جست‌وجو نشده‌اند فرستاده می‌شوند."
SEARCH_AGAIN: Final = "به‌روز کردن صفحه"
SEARCH_REFUSED: Final = (
    "توکن برنامه اجازهٔ جست‌وجو در دفتر تلفن را ندارد؛ فقط صف ارسال و ثبت‌های پیشین از فایل بررسی شد."
)
READY_TITLE: Final = "سطرهای آمادهٔ ارسال"
SEND: Final = "ارسال {n} مخاطب"
SEND_ROWS: Final = "ارسال مخاطبان"
DISCARD: Final = "حذف این فایل"
NOTHING_READY: Final = "هیچ سطری آمادهٔ ارسال نیست."

# Progress and report

PROGRESS_TITLE: Final = "ثبت از فایل: {title}"
STATES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "draft": "پیش‌نویس",
        "running": "در حال ارسال",
        "paused": "متوقف‌شده",
        "done": "پایان‌یافته",
        "cancelled": "لغوشده",
    }
)
STATE_TEXTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "running": "می‌توانید این صفحه را ببندید؛ ارسال ادامه می‌یابد.",
        "paused": (
            "تا ارسال را ادامه ندهید، سطرهای باقی‌مانده فرستاده نمی‌شوند و محفوظ می‌مانند. "
            "می‌توانید به کارهای دیگر برسید و بعداً با «ادامهٔ ارسال» آن را از سر بگیرید."
        ),
        "done": "کار همهٔ سطرها پایان یافته است.",
        "cancelled": "سطرهایی که به صف ارسال نرسیده بودند پاک شدند.",
    }
)
STILL_SENT: Final = "آنچه در صف ارسال است فرستاده می‌شود."
SENT: Final = "ارسال‌شده"
WAITING: Final = "در انتظار"
REFUSED: Final = "نیازمند رسیدگی"
KNOWN: Final = (
    "{n} سطر فرستاده نشد: شمارهٔ آن‌ها در صف ارسال، ثبت‌های پیشین از فایل یا دفتر تلفن هست. آنچه "
    "نیاز به رسیدگی دارد در این صفحه است:"
)
REPEATED: Final = "{n} سطر تکراری فرستاده نشد: شمارهٔ آن‌ها در سطر دیگری از همین فایل هست."
DISCARDED: Final = "{n} سطر در صف ارسال حذف شد و فرستاده نشد."
PROGRESS: Final = "پیشرفت ارسال"
PROGRESS_SAID: Final = "{n} از {total} سطر انجام شد."
RENEW_NUMBERS: Final = "به‌روزرسانی این عددها"
RENEWAL_STOPPED: Final = "این عددها دیگر به‌روز نمی‌شود. صفحه را دوباره باز کنید."
LEFT: Final = "زمان باقی‌مانده: حدود {time}"
HELD_UP: Final = (
    "ارسال به سامانهٔ پیامک متوقف است. به کار خود ادامه دهید؛ ارسال به‌طور خودکار از سر گرفته می‌شود."
)
PAUSE: Final = "توقف"
RESUME: Final = "ادامهٔ ارسال"
CANCEL: Final = "لغو سطرهای باقی‌مانده"
CANCEL_TITLE: Final = "لغو ارسال سطرهای باقی‌مانده"
CANCEL_WARNING: Final = (
    "{n} سطر هنوز به صف ارسال نرسیده است. با لغو، این سطرها پاک می‌شوند و برای ارسال باید فایل را "
    "دوباره وارد کنید."
)
CANCEL_MANY: Final = "لغو {n} سطر"
REFUSED_TITLE: Final = "سطرهای نیازمند رسیدگی"
REFUSED_INTRO: Final = "هر یک را در «صف ارسال» اصلاح یا حذف کنید."
REFUSED_WHO: Final = "مخاطب"
REFUSED_WHY: Final = "علت"
REFUSED_REFERENCE: Final = "کد پیگیری"
DOWNLOAD_REFUSED: Final = "دریافت این سطرها"
ANOTHER: Final = "ثبت از فایلی دیگر"
BROUGHT_AT: Final = "زمان"
STATE: Final = "وضعیت"
MOBILE: Final = "شمارهٔ همراه"
NAMELESS: Final = "بدون نام"


# Why a file is not read
FILE_TOO_LARGE: Final = "حجم این فایل {n} مگابایت است و نباید بیش از {limit} مگابایت باشد."
UNREADABLE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "empty": "این فایل سطری برای خواندن ندارد.",
        "too-many-rows": (
            "این فایل {n} سطر دارد و نباید بیش از {limit} سطر داشته باشد. آن را به چند فایل "
            "تقسیم کنید."
        ),
        "too-many-columns": "این فایل {n} ستون دارد و نباید بیش از {limit} ستون داشته باشد.",
        "too-much-text": ("متن‌های این فایل بیش از {limit} حرف دارد. آن را به چند فایل تقسیم کنید."),
        "long-cell": (
            "متن یک خانه در سطر {n} بیش از {limit} حرف دارد. شاید علامت نقل‌قول آن بسته نشده باشد."
        ),
        "quotes": (
            "علامت نقل‌قول در سطر {n} درست بسته نشده است. آن را اصلاح کنید یا فایل را با قالب XLSX "
            "ذخیره کنید."
        ),
        "encrypted": "این فایل رمز دارد. رمز آن را بردارید و دوباره امتحان کنید.",
        "broken": (
            "این فایل آسیب دیده است و خوانده نمی‌شود. آن را در برنامهٔ صفحه‌گسترده باز کنید و با قالب "
            "XLSX ذخیره کنید."
        ),
        "too-heavy": (
            "خواندن این فایل بیش از اندازه حافظه یا زمان می‌برد. سطرهای آن را در فایل جدیدی کپی "
            "کنید و با قالب XLSX ذخیره کنید."
        ),
        "no-sheet": "این فایل صفحه‌گسترده نیست. فایلی با قالب XLSX یا CSV انتخاب کنید.",
        "markup": (
            "این فایل در اصل صفحهٔ وب است و جدولی ندارد. آن را در برنامهٔ صفحه‌گسترده باز کنید و با "
            "قالب XLSX ذخیره کنید."
        ),
        "no-reader": (
            "خواندن فایل‌های صفحه‌گسترده در این سرور نصب نشده است. فایل را با قالب CSV ذخیره کنید یا "
            "به مدیر برنامه خبر دهید."
        ),
    }
)
SHEET_COLUMN: Final = "ستون {n}"

# Why a cell is not accepted, where a page could not go wrong
DIGITS_LOST: Final = (
    "برنامهٔ صفحه‌گسترده رقم‌های این شماره را کوتاه کرده است. قالب ستون را متن کنید و شماره را "
    "دوباره کامل وارد کنید."
)
DATE_LOST: Final = (
    "در این خانه به‌جای تاریخ ساعت آمده است و خود تاریخ در فایل نیست. قالب ستون را متن کنید و "
    "تاریخ را دوباره وارد کنید."
)
FORMULA_ERROR: Final = (
    "در این خانه به‌جای مقدار، خطای فرمول آمده است. آن را در برنامهٔ صفحه‌گسترده درست کنید."
)
BAD_ANSWER: Final = "در این خانه «بله» یا «خیر» وارد کنید."
UNKNOWN_LABEL: Final = "برچسب «\u2068{label}\u2069» در این فرم نیست. برچسب‌های فرم: {choices}."
EXAMPLE_ROW: Final = "این سطر نمونه است. آن را حذف کنید."

# The sample file
SAMPLE_TITLE: Final = "مخاطبان"
NOTES_TITLE: Final = "راهنما"
CHOICES_TITLE: Final = "گزینه‌ها"
SAMPLE_NOTES: Final = (
    "هر سطر یک مخاطب است. نام ستون‌ها را تغییر ندهید؛ ستون‌هایی را که لازم ندارید خالی بگذارید.",
    "دو سطر اول نمونه است. آن‌ها را حذف کنید.",
    "خانه‌ها قالب متن دارند تا صفر آغاز شماره‌ها بماند.",
)
SAMPLE_REQUIRED: Final = "این ستون‌ها نباید خالی باشند: {labels}."
SAMPLE_DATES: Final = "تاریخ‌ها را به تقویم شمسی وارد کنید؛ مانند ۱۳۶۹/۷/۱۵."
SAMPLE_LABELS: Final = "چند برچسب را با ویرگول (،) از هم جدا کنید."
# Two example rows: the values by API name, and of other fields by their kind or check.
EXAMPLES: Final[tuple[Mapping[str, str], Mapping[str, str]]] = (
    MappingProxyType(
        {
            "Mobile": "۰۹۱۲۰۰۰۰۰۰۰",
            "FName": "سارا",
            "LName": "احمدی",
            "GenderType": "خانم",
            "CompanyTitle": "شرکت نمونه",
            "JobTitle": "مدیر فروش",
            "CityName": "تهران",
            "AddressText": "خیابان آزادی، پلاک ۱۲",
            "Active": "بله",
            "national-code": "۰۰۱۲۳۴۵۶۷۹",
            "postal-code": "۱۲۳۴۵۶۷۸۹۰",
            "landline": "۰۲۱۱۲۳۴۵۶۷۸",
            "digits": "۱۲۳۴",
            "email": "name@example.com",
            "date": "۱۳۶۹/۷/۱۵",
            "labels": "مشتری",
            "text": "نمونه",
        }
    ),
    MappingProxyType(
        {
            "Mobile": "۰۹۱۲۰۰۰۰۰۰۱",
            "FName": "علی",
            "LName": "کاظمی",
            "GenderType": "آقا",
            "CompanyTitle": "سازمان نمونه",
            "JobTitle": "کارشناس",
            "CityName": "شیراز",
            "AddressText": "خیابان زند، پلاک ۷",
            "Active": "خیر",
            "national-code": "۰۰۱۲۳۴۵۶۷۹",
            "postal-code": "۱۲۳۴۵۶۷۸۹۰",
            "landline": "۰۷۱۱۲۳۴۵۶۷۸",
            "digits": "۵۶۷۸",
            "email": "name@example.com",
            "date": "۱۳۵۵/۱۱/۲۰",
            "labels": "همکار",
            "text": "نمونه",
        }
    ),
)
