"""The texts of pages, in Persian; labels and hints of fields are in `webapp.contact`.

Formal and short; each message says what to do. `str.format` replaces names in braces, and numbers
have Persian digits. Values that were typed stand between U+2068 and U+2069, which isolate their
direction. In templates, this module is `text`, and the others of the package are its attributes,
as `text.imports`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# Fields in general
TOO_LONG: Final = "{caption} طولانی است؛ حداکثر {n} حرف وارد کنید."
REQUIRED: Final = "{caption} را وارد کنید."
BAD_CHARACTER: Final = "{caption} نشانه‌ای دارد که پذیرفته نمی‌شود؛ آن را پاک کنید."
CONSENT_REQUIRED: Final = "برای ثبت باید موافقت خود را با علامت زدن این گزینه اعلام کنید."
BAD_CHOICE: Final = "{caption} را از گزینه‌های موجود انتخاب کنید."
# Where the label is a question
ANSWER: Final = "پاسخ این پرسش"
CHOOSE_SOME: Final = "دست‌کم یک گزینه را انتخاب کنید."
CHOOSE_ONE: Final = "یک گزینه را انتخاب کنید."

# Mobile
MOBILE_EMPTY: Final = "شمارهٔ همراه را وارد کنید."
MOBILE_SHORT: Final = "شمارهٔ همراه باید ۱۱ رقم باشد؛ {n} رقم وارد شده است."
MOBILE_LONG: Final = "شمارهٔ همراه بیش از ۱۱ رقم دارد."
MOBILE_LANDLINE: Final = "شمارهٔ واردشده تلفن ثابت است. شمارهٔ همراه را وارد کنید؛ با ۰۹ آغاز می‌شود."
MOBILE_FOREIGN: Final = "در حال حاضر فقط شمارهٔ همراه ایران پذیرفته می‌شود."
MOBILE_LETTERS: Final = "شمارهٔ همراه را فقط با رقم وارد کنید."
MOBILE_SEVERAL: Final = "فقط یک شمارهٔ همراه وارد کنید."
MOBILE_EXTENSION: Final = "شمارهٔ همراه را بدون شمارهٔ داخلی وارد کنید."

DIVIDED: Final = "شماره و نام از هم جدا شد و هنوز ثبت نشده است. بررسی کنید و دکمهٔ ثبت را بزنید."
DIVIDED_REST: Final = "بقیهٔ متن در فیلدی قرار نگرفت: «\u2068{rest}\u2069»."

# Email
EMAIL_SHAPE: Final = (
    "نشانی ایمیل کامل نیست یا حرف نادرستی دارد. آن را مانند name@example.com وارد کنید."
)
EMAIL_ASKED: Final = (
    "منظورتان \u2068{suggestion}\u2069 است؟ "
    "اگر نشانی درست است، بدون تغییر دوباره دکمهٔ ثبت را بزنید."
)
EMAIL_NOT_LATIN: Final = "نشانی ایمیل را با حروف انگلیسی وارد کنید."

# Dates
DATE_SHAPE: Final = "تاریخ را به شکل ۱۳۶۹/۷/۱۵ وارد کنید."
DATE_PARTS_MISSING: Final = "{parts} را هم وارد کنید."
DATE_PARTS_WRONG: Final = "{parts} درست نیست؛ تاریخ را مانند ۱۵ مهر ۱۳۶۹ وارد کنید."
DATE_TWO_DIGIT_YEAR: Final = "سال را چهاررقمی وارد کنید؛ مانند ۱۳۶۹."
DATE_JALALI_YEAR: Final = "سال را به تقویم شمسی وارد کنید؛ مانند ۱۳۶۹."
DATE_MONTH: Final = "ماه باید بین ۱ تا ۱۲ باشد."
DATE_DAY: Final = "{month} {year} روز {n} ندارد."
DATE_YEAR_RANGE: Final = "سال باید بین {first} تا {last} باشد."
DATE_FUTURE_BIRTH: Final = "تاریخ تولد نمی‌تواند در آینده باشد."
DAY: Final = "روز"
MONTH: Final = "ماه"
YEAR: Final = "سال"
AND: Final = " و "
COMMA: Final = "، "
# In the form used before a year, «فوریهٔ ۲۰۲۳».
GREGORIAN_MONTHS: Final = (
    *("ژانویهٔ", "فوریهٔ", "مارس", "آوریل", "مه", "ژوئن"),
    *("ژوئیهٔ", "اوت", "سپتامبر", "اکتبر", "نوامبر", "دسامبر"),
)

# Labels
DIGITS_ONLY: Final = "در «{caption}» فقط رقم وارد کنید."
NATIONAL_CODE_WRONG: Final = "«{caption}» درست نیست؛ باید ده رقم باشد."
POSTAL_CODE_WRONG: Final = "«{caption}» درست نیست؛ باید ده رقم باشد و با صفر آغاز نشود."
LANDLINE_WRONG: Final = (
    "«{caption}» درست نیست؛ باید یازده رقم باشد و با کد شهر آغاز شود؛ مانند ۰۲۱۱۲۳۴۵۶۷۸."
)
LABELS_TOO_MANY: Final = "حداکثر ۲۰ برچسب می‌توانید وارد کنید."
LABEL_TOO_LONG: Final = "برچسب «\u2068{label}\u2069» طولانی است؛ حداکثر ۵۰ حرف وارد کنید."
LABEL_RESPELLED: Final = (
    "برچسب «\u2068{known}\u2069» از پیش در دفتر تلفن هست و «\u2068{typed}\u2069» فقط در نگارش با "
    "آن فرق دارد."
)
LABEL_CHOOSE: Final = "نگارش درست را انتخاب کنید و دکمهٔ ثبت را دوباره بزنید."
LABEL_SPELLING: Final = "کدام نگارش ثبت شود؟"
LABEL_USE_EXISTING: Final = "نگارش موجود:"
LABEL_USE_TYPED: Final = "آنچه وارد شده است:"

# Choices
WOMAN: Final = "خانم"
MAN: Final = "آقا"
NO_ANSWER: Final = "نمی‌خواهم بگویم"
UNSPECIFIED: Final = "نامشخص"
KEEP: Final = "{labels} برای مخاطب بعدی بماند"

YES: Final = "بله"
NO: Final = "خیر"

# The form as a whole
FORM_EXPIRED: Final = (
    "اعتبار این صفحه به پایان رسیده بود. اطلاعات شما حفظ شده است؛ دکمهٔ ثبت را دوباره بزنید."
)
FORM_TOO_YOUNG: Final = "فرم خیلی زود فرستاده شد. لطفاً دکمهٔ ثبت را دوباره بزنید."
TOO_MANY: Final = "تعداد درخواست‌ها زیاد است. لطفاً {n} دقیقهٔ دیگر دکمهٔ ثبت را دوباره بزنید."
UNPROVEN: Final = "بررسی خودکار این فرم کامل نشد. لطفاً دکمهٔ ثبت را دوباره بزنید."
LEAVE_EMPTY: Final = "این فیلد را خالی بگذارید."
UNKNOWN_SITE: Final = "وب‌سایتی نامشخص"
CONSENT_GIVEN: Final = "موافقت در {day} از {site}"
TOO_LARGE: Final = "متن‌ها طولانی است؛ آن‌ها را کوتاه‌تر کنید."
NOT_RECORDED: Final = "این فرم ثبت نشد."
BAD_FORM_SUMMARY: Final = "این فرم ثبت نشد. موارد زیر را اصلاح کنید:"
TITLE_ERROR: Final = "خطا: {title}"
ERROR_OF: Final = "\u2068{caption}\u2069: {message}"
ERROR_OF_QUESTION: Final = "\u2068{caption}\u2069 {message}"
TITLE_DONE: Final = "ثبت شد: {title}"
TITLE_RECEIVED: Final = "دریافت شد: {title}"
OPTIONAL: Final = "اختیاری"
MORE_FIELDS: Final = "اطلاعات تکمیلی"
SUBMIT: Final = "ثبت مخاطب"
SENDING: Final = "در حال ثبت…"
OFFLINE: Final = (
    "اینترنت قطع است و چیزی فرستاده نشد. آنچه وارد کرده‌اید در همین صفحه مانده است؛ پس از وصل شدن، "
    "لطفاً دکمه را دوباره بزنید."
)
CHOOSE: Final = "انتخاب"
NO_CHOICE: Final = "هیچ‌کدام"
SUBMIT_PUBLIC: Final = "ثبت"
PRIVACY: Final = "حریم خصوصی"
FREE_LABELS: Final = "برچسب‌های دیگر"

# Groups of fields
GROUP_WORK: Final = "شغل"
GROUP_ADDRESS: Final = "ایمیل و نشانی"
GROUP_DATES: Final = "تاریخ‌ها"
GROUP_CUSTOM: Final = "فیلدهای سفارشی"
GROUP_STATE: Final = "وضعیت"

# Outcomes
DELIVERED: Final = "مخاطب ثبت شد."
DELIVERED_PUBLIC: Final = "اطلاعات شما دریافت شد. سپاسگزاریم."
RECEIVED_PUBLIC: Final = "اطلاعات شما دریافت شد. به ثبت دوباره نیازی نیست."
HELD_PUBLIC: Final = "اطلاعات شما دریافت شد و پس از بررسی ثبت می‌شود."
GO_ON: Final = "ادامه در وب‌سایت"
ANOTHER: Final = "ثبت یک نفر دیگر"
REFERENCE: Final = "کد پیگیری:"
STATUS: Final = "کد وضعیت:"
UNSTORED: Final = "این مخاطب ثبت نشد. آنچه وارد کرده‌اید در همین صفحه مانده است."
QUEUED: Final = "این مخاطب ذخیره شد و در انتظار ارسال است؛ دوباره ثبت نکنید."
HELD: Final = "این مخاطب ذخیره شد؛ پیش از ارسال باید در صف ارسال به آن رسیدگی شود."
PAUSED: Final = "ارسال به سامانهٔ پیامک متوقف است:"
PAUSE_ENDS: Final = "به کار خود ادامه دهید؛ ارسال به‌طور خودکار از سر گرفته می‌شود."
OUTBOX_LINK: Final = "صف ارسال"
UNREADABLE: Final = (
    "{n} ردیف ذخیره‌شده باز نمی‌شود و فرستاده نمی‌شود؛ چیزی پاک نشده است. "
    "به مدیر برنامه بگویید کلید قبلی را به تنظیمات برگرداند."
)
WAITING: Final = "{n} مخاطب در انتظار ارسال است."
WAITING_MANY: Final = "بیش از {n} مخاطب در انتظار ارسال است."
UNSTORED_PUBLIC: Final = (
    "اکنون امکان ثبت وجود ندارد. آنچه وارد کرده‌اید در همین صفحه مانده است؛ "
    "لطفاً چند دقیقهٔ دیگر دکمهٔ ثبت را دوباره بزنید."
)

# The outbox
BACK_TO_FORM: Final = "بازگشت به فرم"
OUTBOX_BACK: Final = "بازگشت به صف ارسال"
LOCAL_TIME: Final = "{day}، ساعت {time}"
NEEDS_ATTENTION: Final = "نیازمند رسیدگی"
NEEDS_ATTENTION_NONE: Final = "مخاطبی نیازمند رسیدگی نیست."
RETRY_ONE: Final = "ارسال دوباره"
NEEDS_ATTENTION_LIST: Final = "فهرست مخاطبان نیازمند رسیدگی"
IN_QUEUE: Final = "در انتظار ارسال"
IN_QUEUE_NONE: Final = "مخاطبی در انتظار ارسال نیست."
IN_QUEUE_SINCE: Final = "قدیمی‌ترین از {time} در انتظار است."
IN_QUEUE_LIST: Final = "فهرست مخاطبان در انتظار"
FIRST_PAGE: Final = "صفحهٔ اول"
NEXT_PAGE: Final = "صفحهٔ بعد"
OPERATOR: Final = "ثبت‌کننده:"
FORM_GONE: Final = "از فرمی که دیگر نیست:"
# Why a submission waits or needs attention, besides the portal's statuses
SUSPECT_STATUSES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "honeypot": "فیلد پنهان فرم پر شده بود؛ شاید ربات آن را فرستاده باشد.",
        "proof": "بررسی خودکار مرورگر انجام نشده بود؛ شاید ربات آن را فرستاده باشد.",
    }
)
BEING_SENT: Final = "هم‌اکنون در حال ارسال است."
GIVEN_UP: Final = "ارسال آن {n} روز پیاپی به نتیجه نرسید."
PERHAPS_THERE: Final = (
    "شاید سامانهٔ پیامک آن را پیش‌تر ثبت کرده باشد؛ پیش از ارسال دوباره، در آن جست‌وجو می‌شود."
)
UNKNOWN_TIME: Final = "زمان نامشخص"
SENT_TWICE: Final = "بار نخست {first} و بار دوم {last} فرستاده شد."
PERHAPS_TWICE: Final = (
    "جست‌وجو در سامانهٔ پیامک ممکن نبود و دوباره فرستاده شد؛ شاید آنجا دو بار ثبت شده باشد."
)
REASON: Final = "دلیل رسیدگی"
# Actions of operators
CORRECT: Final = "اصلاح و ارسال"
CORRECT_TITLE: Final = "اصلاح و ارسال دوباره"
CORRECT_OLD: Final = (
    "اگر پیش‌تر ثبت شده باشد، مخاطب اصلاح‌شده جای آن را نمی‌گیرد و در کنار آن ثبت می‌شود."
)
DISCARD: Final = "حذف"
DISCARD_TITLE: Final = "حذف مخاطب از صف ارسال"
DISCARD_WARNING: Final = "داده‌های این مخاطب برای همیشه پاک می‌شود و به سامانهٔ پیامک فرستاده نمی‌شود."
DISCARD_FOR_GOOD: Final = "حذف برای همیشه"
CANCEL: Final = "انصراف"
# Results of these actions
OUTBOX_RESULTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "delivered": DELIVERED,
        "queued": QUEUED,
        "retried": "مخاطب به صف ارسال بازگشت.",
        "all-retried": "{n} مخاطب به صف ارسال بازگشت.",
        "discarded": "مخاطب حذف شد و فرستاده نمی‌شود.",
        "all-discarded": "{n} مخاطب حذف شد و فرستاده نمی‌شود.",
        "unselected": "موردی انتخاب نشده بود و کاری انجام نشد.",
        "changed": (
            "کاری انجام نشد. وضعیت آنچه انتخاب شد در این میان تغییر کرده است: شاید در انتظار یا در "
            "حال ارسال باشد، یا فرستاده یا حذف شده باشد."
        ),
        "expired": "اعتبار صفحه به پایان رسیده بود و کاری انجام نشد. دوباره اقدام کنید.",
    }
)
DATABASE_DOWN: Final = (
    "صف ارسال در دسترس نیست",
    (
        "برنامه نمی‌تواند داده‌های صف ارسال را بخواند یا ذخیره کند. چند دقیقهٔ دیگر دوباره امتحان "
        "کنید؛ اگر ادامه یافت، فضای دیسک و پایگاه دادهٔ سرور را بررسی کنید."
    ),
)

# How to embed a form
# In a frame whose page may load nothing of ours
FRAME_UNSTYLED: Final = "فرم در این قاب نمایش داده نشد. قاب به این ویژگی نیاز دارد:"
FRAME_OPEN: Final = "باز کردن فرم در صفحهٔ خودش"

INSTALL_TITLE: Final = "درج «{title}» در وب‌سایت"
INSTALL_INTRO: Final = "این دو خط را در صفحه‌ای از وب‌سایت بگذارید که فرم باید در آن دیده شود."
# The command stands between these.
INSTALL_FIRST: Final = (
    "پیش از این کار، مدیر برنامه یک بار فرمان",
    "را روی سرور اجرا کند: نشان می‌دهد سامانهٔ پیامک چگونه پاسخ می‌دهد و چه چیزی باید تغییر کند.",
)
INSTALL_SNIPPET: Final = "کد فرم"
INSTALL_COPY: Final = "کپی"
INSTALL_COPIED: Final = "کپی شد."
INSTALL_FINDINGS: Final = "بررسی راه‌اندازی"
INSTALL_SITES: Final = "وب‌سایت‌های مجاز"
INSTALL_PREVIEW: Final = "پیش‌نمایش"
INSTALL_PREVIEW_INTRO: Final = "فرم در صفحهٔ یک وب‌سایت این‌گونه دیده می‌شود."
# The declaration stands after this.
INSTALL_DARK: Final = (
    "زمینهٔ این فرم شفاف است. اگر زمینهٔ وب‌سایت تیره است، این خط را در شیوه‌نامهٔ آن بگذارید؛ "
    "وگرنه متن فرم روی آن خوانده نمی‌شود:"
)
INSTALL_SCRIPT: Final = (
    "خط دوم ارتفاع فرم را با محتوای آن هماهنگ می‌کند؛ بدون آن هم فرم کار می‌کند، با ارتفاع ثابت."
)
INSTALL_TWIN: Final = ("اگر وب‌سایت با", "هم باز می‌شود، آن را هم در embed_origins وارد کنید.")
INSTALL_RESTRICTED: Final = "وب‌سایت‌هایی که محدودیت دارند"
INSTALL_POLICY: Final = "سیاست امنیت محتوای وب‌سایت باید این‌ها را داشته باشد."
INSTALL_SANDBOX: Final = "ویژگی محدودکنندهٔ قاب، اگر هست، باید همهٔ این‌ها را داشته باشد."
FINE: Final = "درست است:"
NOT_FINE: Final = "اصلاح کنید:"
# The text of each check if it is fine, and if it is not.
FINDINGS: Final = {
    "origins": (
        "وب‌سایت‌هایی که می‌توانند این فرم را نشان دهند تعیین شده‌اند.",
        (
            "هیچ وب‌سایتی برای این فرم مجاز نشده است و مرورگرها آن را نشان نمی‌دهند. نشانی وب‌سایت را "
            "در embed_origins این فرم وارد کنید."
        ),
    ),
    "public-url": (
        "نشانی عمومی برنامه تعیین شده است.",
        (
            "نشانی عمومی برنامه تعیین نشده است و نشانی همین صفحه در کد آمده است. نشانی عمومی را در "
            "تنظیم PUBLIC_URL وارد کنید."
        ),
    ),
    "https": (
        "نشانی فرم با https آغاز می‌شود.",
        (
            "نشانی فرم با https آغاز نمی‌شود. مرورگرها آن را در وب‌سایت‌هایی که نشانی‌شان با https "
            "آغاز می‌شود نشان نمی‌دهند."
        ),
    ),
    "address": (
        "نشانی فرم عمومی به نظر می‌رسد.",
        (
            "نشانی فرم درون‌سازمانی است. مرورگرها نمی‌گذارند وب‌سایتی عمومی به آن وصل شود و "
            "بازدیدکنندگان بیرون از سازمان آن را نمی‌بینند."
        ),
    ),
    "proxy": (
        "آنچه پراکسی (پیشکار) از فرستنده می‌گوید با تنظیمات برنامه سازگار است.",
        (
            "تعداد پراکسی‌ها (پیشکارها) یا پروتکلی که می‌گویند با تنظیمات برنامه سازگار نیست. "
            "تنظیم‌های TRUSTED_PROXIES و PUBLIC_URL را بررسی کنید."
        ),
    ),
    "frame": (
        "وب‌سایت‌های مجاز می‌توانند فرم را نشان دهند.",
        (
            "پاسخ سرور نمی‌گذارد همهٔ وب‌سایت‌های مجاز فرم را نشان دهند. شاید پراکسی (پیشکار) سرآیند "
            "دیگری به آن اضافه می‌کند."
        ),
    ),
    "cookies": (
        "برنامه در صفحهٔ فرم هیچ کوکی‌ای نمی‌گذارد.",
        (
            "برنامه در صفحهٔ فرم کوکی می‌گذارد و با مسدود بودن کوکی‌ها درست کار نمی‌کند. موضوع را به "
            "مدیر برنامه خبر دهید."
        ),
    ),
}

# Demo mode
DEMO_LABEL: Final = "حالت نمایشی"
DEMO_BANNER: Final = (
    "حالت نمایشی: چیزی از این رایانه بیرون نمی‌رود و مخاطبان به سامانهٔ پیامک واقعی فرستاده نمی‌شوند."
)
DEMO_LINK: Final = "مخاطبان دریافت‌شده"
DEMO_TITLE: Final = "مخاطبان دریافت‌شده در حالت نمایشی"
DEMO_CONTACT: Final = "مخاطب {n}"
DEMO_EMPTY: Final = "هنوز مخاطبی دریافت نشده است."
DEMO_PAUSED: Final = (
    "علت: پیش‌تر شمارهٔ آزمایشی {number} امتحان شد و سامانهٔ پیامک نمایشی به آن چنین پاسخ می‌دهد."
)
DEMO_WAITS: Final = (
    "تا پایان توقف، مخاطبان دیگر هم در انتظار ارسال می‌مانند. برنامه خودش دوباره امتحان می‌کند."
)

# Requests refused by their sender
FORWARDED: Final = (
    "فرستنده شناخته نشد",
    (
        "برنامه نمی‌داند این درخواست از کجا آمده است: پراکسی (پیشکار) نشانی فرستنده را نمی‌گوید، یا "
        "تعداد پراکسی‌ها در تنظیم TRUSTED_PROXIES درست نیست. موضوع را به مدیر برنامه خبر دهید."
    ),
)
UNCERTAIN_HOST: Final = (
    "نام این نشانی شناخته نشد",
    (
        "برنامه نمی‌داند که این نام از آنِ خودش است و صفحه را با آن باز نمی‌کند. مدیر برنامه باید "
        "نشانی برنامه را در تنظیم PUBLIC_URL وارد کند. تا آن زمان، صفحه را با نشانی IP سرور باز "
        "کنید."
    ),
)
CROSS_SITE: Final = (
    "این فرم از جای دیگری فرستاده شد",
    "چیزی ثبت نشد. صفحهٔ فرم را با نشانی اصلی آن باز کنید و همان‌جا ثبت کنید.",
)

# Error pages: the heading, and what to do next
RETRY: Final = "باز کردن دوبارهٔ صفحه"
ERROR_NUMBER: Final = "شمارهٔ خطا: {n}"
ERRORS: Final = {
    400: (
        "درخواست خوانده نشد",
        "آنچه رسید درست نبود و چیزی ثبت نشد. صفحهٔ فرم را دوباره باز کنید و از نو ثبت کنید.",
    ),
    401: ("ورود لازم است", "نام کاربری و گذرواژهٔ خود را وارد کنید تا این صفحه باز شود."),
    403: (
        "دسترسی مجاز نیست",
        "این صفحه از جایی که هستید باز نمی‌شود. آن را از شبکهٔ سازمان و با نشانی اصلی باز کنید.",
    ),
    404: ("صفحه پیدا نشد", "نشانی صفحه را بررسی کنید یا آن را از فرستندهٔ پیوند بپرسید."),
    405: (
        "این کار در این نشانی ممکن نیست",
        "چیزی ثبت نشد. صفحهٔ فرم را باز کنید و از همان‌جا ادامه دهید.",
    ),
    413: (
        "متن فرستاده‌شده طولانی است",
        "چیزی ثبت نشد. فرم را دوباره باز کنید و متن‌های کوتاه‌تری وارد کنید.",
    ),
    422: (
        "اطلاعات پذیرفته نشد",
        "به صفحهٔ قبل برگردید، موارد نادرست را اصلاح کنید و دکمهٔ ثبت را دوباره بزنید.",
    ),
    429: ("تعداد درخواست‌ها زیاد است", "لطفاً چند دقیقهٔ دیگر دوباره امتحان کنید."),
    500: (
        "خطایی در برنامه رخ داد",
        "شاید آنچه فرستادید ثبت نشده باشد. لطفاً چند دقیقهٔ دیگر دوباره امتحان کنید.",
    ),
    503: ("برنامه اکنون در دسترس نیست", "چند دقیقهٔ دیگر دوباره امتحان کنید."),
}
OTHER_ERROR: Final = ("درخواست انجام نشد", "صفحهٔ فرم را دوباره باز کنید و از نو امتحان کنید.")
