"""What needs a person, in Persian: a sentence about each status, and the texts of the mails.

The sentences about a contact stand beside its field, for visitors as well; the others are for
operators only. Each line of a mail begins with a Persian letter: mail programs set it from right to
left then.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from webapp.messages import MOBILE_EMPTY

_TELL_SUPPORT: Final = "سامانهٔ پیامک درخواست برنامه را نپذیرفت. موضوع را به مدیر برنامه خبر دهید."
_NO_WEB_SERVICE: Final = (
    "حساب سامانهٔ پیامک اجازهٔ استفاده از وب‌سرویس را ندارد. آن را در پنل سامانهٔ پیامک فعال کنید."
)
STATUS_MESSAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        # The contact
        "Mobile_Empty": MOBILE_EMPTY,
        "Mobile_Invalid": "این شماره پذیرفته نشد. آن را بررسی کنید یا شمارهٔ دیگری وارد کنید.",
        "Mobiles_Empty": MOBILE_EMPTY,
        "Mobiles_Invalid": "این شماره پذیرفته نشد. آن را بررسی کنید یا شمارهٔ دیگری وارد کنید.",
        "FirstNameOrLastName_Empty": "نام و نام خانوادگی را وارد کنید.",
        "Title_Empty": "عنوان را وارد کنید.",
        "Length_Invalid": "اندازهٔ یکی از مقدارها پذیرفته نشد. مقدارها را بررسی کنید.",
        "Length_Exceeded": "یکی از مقدارها طولانی است؛ آن را کوتاه‌تر کنید.",
        # What we send
        "ContactID_Invalid": _TELL_SUPPORT,
        "ContactGroupID_Invalid": _TELL_SUPPORT,
        # The account
        "AccountIsDemo": "حساب سامانهٔ پیامک آزمایشی است. آن را در پنل سامانهٔ پیامک به "
        "حساب اصلی تبدیل کنید.",
        "CreditNotEnough": "اعتبار حساب سامانهٔ پیامک کافی نیست. حساب را شارژ کنید.",
        "UserName_Empty": "نام کاربری سامانهٔ پیامک خالی است. تنظیم توکن برنامه را بررسی کنید.",
        "Password_Empty": "گذرواژهٔ سامانهٔ پیامک خالی است. تنظیم توکن برنامه را بررسی کنید.",
        "UserNameOrPassword_Invalid": (
            "نام کاربری یا گذرواژهٔ سامانهٔ پیامک نادرست است. تنظیم توکن برنامه را بررسی کنید."
        ),
        "User_NotExists": (
            "حساب سامانهٔ پیامک پیدا نشد یا توکن نادرست است. تنظیم توکن برنامه را بررسی کنید."
        ),
        "User_MobileNotVerified": (
            "شمارهٔ همراه صاحب حساب پیامک تأیید نشده است. آن را در پنل سامانهٔ پیامک تأیید کنید."
        ),
        "User_Disabled": "حساب سامانهٔ پیامک غیرفعال است. با پشتیبانی سامانهٔ پیامک تماس بگیرید.",
        "User_Expired": "مهلت حساب سامانهٔ پیامک به پایان رسیده است. حساب را تمدید کنید.",
        "User_WebServiceBanned": (
            "دسترسی حساب سامانهٔ پیامک به وب‌سرویس بسته شده است. با پشتیبانی سامانهٔ پیامک "
            "تماس بگیرید."
        ),
        "User_NotAllowWebService": _NO_WEB_SERVICE,
        "User_NotAllowIP": (
            "نشانی IP این سرور برای حساب پیامک مجاز نیست. آن را در پنل سامانهٔ پیامک به "
            "فهرست مجاز بیفزایید."
        ),
        "User_NotAllowMethod": (
            "این متد برای حساب سامانهٔ پیامک مجاز نیست. آن را در پنل سامانهٔ پیامک مجاز کنید."
        ),
        "User_NotAllowHttp": (
            "حساب پیامک اجازهٔ اتصال بدون رمزنگاری ندارد. نشانی سامانهٔ پیامک باید با https آغاز شود."
        ),
        # The token
        "Token_NotExists": "توکن سامانهٔ پیامک وجود ندارد. توکن جدیدی در پنل سامانهٔ پیامک بسازید.",
        "Token_Invalid": "توکن سامانهٔ پیامک نادرست است. تنظیم توکن برنامه را بررسی کنید.",
        "Token_Disabled": "توکن سامانهٔ پیامک غیرفعال است. آن را در پنل سامانهٔ پیامک فعال کنید.",
        "Token_Expired": "مهلت توکن سامانهٔ پیامک به پایان رسیده است. آن را در پنل سامانهٔ "
        "پیامک تمدید کنید.",
        "Token_NotAllowIP": (
            "نشانی IP این سرور برای توکن مجاز نیست. آن را در پنل سامانهٔ پیامک به نشانی‌های "
            "مجاز بیفزایید."
        ),
        "Token_NotAllowMethod": (
            "این متد برای توکن مجاز نیست. آن را در پنل سامانهٔ پیامک به متدهای مجاز توکن بیفزایید."
        ),
        # The portal
        "System_Disabled": "سامانهٔ پیامک موقتاً غیرفعال است.",
        "Failed": "ثبت ناموفق بود و سامانهٔ پیامک دلیل آن را نگفت.",
        "ServerError": "سامانهٔ پیامک خطای داخلی داد.",
        # The way there
        "NameNotResolved": "نشانی سامانهٔ پیامک پیدا نشد. DNS و اتصال اینترنت سرور را بررسی کنید.",
        "ConnectionFailed": (
            "اتصال به سامانهٔ پیامک برقرار نشد. اگر ادامه یافت، اینترنت سرور را بررسی کنید."
        ),
        "ConnectTimeout": (
            "اتصال به سامانهٔ پیامک به‌موقع برقرار نشد. اگر ادامه یافت، شبکهٔ سرور را بررسی کنید."
        ),
        "CertificateInvalid": (
            "گواهی امنیتی سامانهٔ پیامک تأیید نشد. ساعت سرور را بررسی کنید؛ اگر شبکهٔ سازمان "
            "گواهی خود را به کار می‌برد، آن را در تنظیم PORTAL_CA_FILE معرفی کنید."
        ),
        "ProxyFailed": (
            "پراکسی سازمان راه را به سامانهٔ پیامک باز نکرد. تنظیم PORTAL_PROXY (نشانی، نام کاربری "
            "و گذرواژه) و اجازهٔ پراکسی را بررسی کنید."
        ),
        "TLSFailed": (
            "اتصال امن به سامانهٔ پیامک برقرار نشد. اگر ادامه یافت، شبکهٔ سرور را بررسی کنید."
        ),
        "ThreadFailed": "منابع سرور برای ارسال کافی نبود. بار سرور را بررسی کنید.",
        # The answer
        "Timeout": "سامانهٔ پیامک به‌موقع پاسخ نداد.",
        "ConnectionBroken": ("اتصال به سامانهٔ پیامک پیش از دریافت پاسخ قطع شد."),
        "AnswerTooLong": "پاسخ سامانهٔ پیامک طولانی‌تر از اندازه بود.",
        "UnreadableAnswer": "پاسخ سامانهٔ پیامک خوانا نبود.",
        "QueueBusy": "ارسال‌های دیگری در جریان است.",
        "NumberNotVerified": (
            "شماره تأیید نشده است، چون کد تأیید فرستاده نشد. اگر آن را بفرستید، بدون تأیید "
            "ثبت می‌شود."
        ),
        "CodesOfDayUsedUp": (
            "سقف کدهای تأیید امروز در تنظیم‌های برنامه پر شده است. فردا دوباره فرستاده می‌شوند."
        ),
        "PerhapsRecorded": (
            "شاید این مخاطب ثبت شده باشد: دو بار فرستاده شد، پاسخ خوانا نبود و جست‌وجو به نتیجه "
            "نرسید. پیش از ارسال دوباره، آن را در پنل سامانهٔ پیامک جست‌وجو کنید."
        ),
        "LabelsNotLookedUp": (
            "پاسخ سامانهٔ پیامک گم شد و مخاطب در آن پیدا شد؛ ولی جست‌وجوی برچسب‌های آن ممکن نبود."
        ),
        "StoreFailed": (
            "برنامه نتوانست مخاطب را ذخیره کند. فضای دیسک و پایگاه دادهٔ سرور را بررسی کنید."
        ),
        "UnknownFault": "خطایی پیش‌بینی‌نشده رخ داد. گزارش‌های برنامه را بررسی کنید.",
        "SlowDown": (
            "سامانهٔ پیامک خواسته است آهسته‌تر بفرستیم. ارسال کمی بعد به‌طور خودکار از سر گرفته می‌شود."
        ),
        # All the rest
        "HTTP": "سامانهٔ پیامک یا شبکهٔ میان راه خطا داد.",
        "Other": "سامانهٔ پیامک پاسخی ناآشنا داد.",
    }
)
# What a status means for a code, where it means something else for a contact.
CODE_STATUS_MESSAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Failed": (
            "سامانهٔ پیامک کد را نفرستاد و دلیل آن را نگفت. شاید حساب شما الگوی تأییدشده‌ای برای "
            "پیامک کد ندارد."
        ),
        "SlowDown": ("سامانهٔ پیامک خواسته است آهسته‌تر بفرستیم؛ تا کمی بعد کدی فرستاده نمی‌شود."),
    }
)

# The mails
ALARM_SUBJECT: Final = "هشدار: {problems}"
END_SUBJECT: Final = "رفع شد: {problems}"
# What a problem is called, by its kind.
PROBLEMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "queue": "توقف ارسال مخاطبان",
        "attention": "مخاطبان نیازمند رسیدگی",
        "codes": "نرسیدن کدهای تأیید",
        "suspects": "موارد بررسی‌نشدهٔ مشکوک به ربات",
    }
)

PAUSED: Final = "ارسال به سامانهٔ پیامک متوقف است."
LATE: Final = "مخاطبان در انتظار ارسال مانده‌اند و فرستاده نمی‌شوند."
OLDEST_MINUTES: Final = "قدیمی‌ترین مخاطب {n} دقیقه است که در انتظار ارسال است."
OLDEST_HOURS: Final = "قدیمی‌ترین مخاطب {n} ساعت است که در انتظار ارسال است."
ATTENTION: Final = "مخاطبانی نیازمند رسیدگی هستند:"
ONE_STATUS: Final = "{n} مورد: {message}"
STATUS: Final = "کد وضعیت: {status}"
REFERENCES: Final = "کدهای پیگیری: {references}"
MORE_REFERENCES: Final = "کدهای پیگیری قدیمی‌ترین موارد: {references}"
CODES: Final = "کدهای تأیید شماره پیامک نمی‌شوند:"
SUSPECTS: Final = (
    "{n} مورد مشکوک به ربات در انتظار بررسی است و دست‌کم یکی از آن‌ها بیش از یک روز مانده است."
)
OUTBOX: Final = "صف ارسال: {address}"
KEPT: Final = "مخاطبان ذخیره شده‌اند و گم نمی‌شوند."

# What is over, by its kind.
ENDED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "queue": "ارسال مخاطبان به سامانهٔ پیامک از سر گرفته شده است.",
        "attention": "مخاطبی نیازمند رسیدگی نیست.",
        "codes": "کدهای تأیید دوباره پیامک می‌شوند.",
        "suspects": "موارد مشکوک به رباتی که بیش از یک روز مانده بودند بررسی شده‌اند.",
    }
)
REMAINING: Final = "آنچه هنوز به رسیدگی نیاز دارد:"
FOOTER: Final = "این پیام به‌طور خودکار فرستاده شده است. در هر ساعت حداکثر یک هشدار فرستاده می‌شود."

TEST_SUBJECT: Final = "پیام آزمایشی فرم مخاطبان"
TEST_TEXT: Final = (
    "این پیام آزمایشی است و به اقدامی نیاز ندارد. هشدارهای برنامه به همین نشانی فرستاده می‌شود."
)
