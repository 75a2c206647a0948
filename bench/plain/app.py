"""The same two forms, written the straightforward way: what the benchmark compares ours with.

It is what a developer who knows Flask writes in an afternoon: Flask-WTF forms with its token in the
session, one macro that shows every field, numbers and Jalali dates checked and converted, a
connection to the portal kept open by each thread, and after a POST a redirect to a page that says
what the portal said. No outbox, no total deadline, no limits, no security headers, no compression,
and nothing about a frame without cookies.
"""

from __future__ import annotations

import functools
import os
import re
import threading
from typing import TYPE_CHECKING

import requests
from flask import (
    Flask,
    abort,
    flash,
    get_flashed_messages,
    redirect,
    render_template,
    request,
    url_for,
)
from flask_wtf import FlaskForm
from flask_wtf.csrf import generate_csrf
from persiantools.jdatetime import JalaliDate
from wtforms import BooleanField, RadioField, StringField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, Email, Length, Optional, Regexp

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
    from wtforms import Field

app = Flask(__name__)
app.config["SECRET_KEY"] = "bench"

PORTAL = os.environ.get("AMOOT_URL", "http://127.0.0.1:1/rest/")
SECONDS = 20
SUCCESS = "Success"

_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")
_local = threading.local()


def _tidy(text: str | None) -> str:
    return (text or "").translate(_DIGITS).strip()


def _gregorian(text: str) -> str:
    """Return a Jalali date as the portal wants it."""
    if not text:
        return ""
    year, month, day = map(int, re.split(r"[/-]", text))
    return JalaliDate(year, month, day).to_gregorian().isoformat()


def _is_date(_: FlaskForm, field: Field) -> None:
    try:
        _gregorian(field.data)
    except ValueError:
        raise ValidationError("تاریخ را مانند ۱۳۶۹/۰۷/۱۵ بنویسید.") from None


def _text(label: str, longest: int) -> StringField:
    return StringField(label, [Length(max=longest)], filters=[_tidy])


def _date(label: str) -> StringField:
    return StringField(label, [Optional(), _is_date], filters=[_tidy])


def _mobile() -> StringField:
    checks = [
        DataRequired("شمارهٔ همراه را وارد کنید."),
        Regexp(r"09\d{9}$", message="شمارهٔ همراه درست نیست."),
    ]
    return StringField("شمارهٔ همراه", checks, filters=[_tidy])


class ContactForm(FlaskForm):
    """All fields of ContactCreate."""

    Mobile = _mobile()
    FName = _text("نام", 50)
    LName = _text("نام خانوادگی", 50)
    GenderType = RadioField(
        "جنسیت",
        choices=[("false", "خانم"), ("true", "آقا"), ("", "نمی‌خواهم بگویم")],
        default="",
    )
    CompanyTitle = _text("نام شرکت یا سازمان", 100)
    JobTitle = _text("سمت شغلی", 100)
    Email = StringField("نشانی ایمیل", [Optional(), Email("نشانی ایمیل درست نیست.")])
    CityName = _text("شهر", 50)
    AddressText = TextAreaField("نشانی", [Length(max=500)])
    BornDate = _date("تاریخ تولد")
    AnniversaryDate = _date("تاریخ سالگرد")
    CustomText1 = _text("فیلد سفارشی ۱", 200)
    CustomText2 = _text("فیلد سفارشی ۲", 200)
    CustomText3 = _text("فیلد سفارشی ۳", 200)
    CustomText4 = _text("فیلد سفارشی ۴", 200)
    CustomText5 = _text("فیلد سفارشی ۵", 200)
    CustomText6 = _text("فیلد سفارشی ۶", 200)
    CustomDate1 = _date("تاریخ سفارشی ۱")
    CustomDate2 = _date("تاریخ سفارشی ۲")
    CustomDate3 = _date("تاریخ سفارشی ۳")
    Labels = _text("برچسب‌ها", 200)
    Active = BooleanField("مخاطب فعال باشد", default=True)


class SignUpForm(FlaskForm):
    """What a visitor is asked for."""

    FName = _text("نام", 50)
    LName = _text("نام خانوادگی", 50)
    Mobile = _mobile()
    BornDate = _date("تاریخ تولد")
    consent = BooleanField("با دریافت پیامک موافقم.", [DataRequired("بدون آن ممکن نیست.")])


@app.route("/", methods=["GET", "POST"])
def main() -> ResponseReturnValue:
    """Show the operators' form, or send it."""
    return _serve(ContactForm(), "ثبت مخاطب", "main", {})


@app.route("/signup", methods=["GET", "POST"])
def sign_up() -> ResponseReturnValue:
    """Show the visitors' form, or send it."""
    more = {"CityName": "تهران", "Labels": "سایت", "Active": "true"}
    return _serve(SignUpForm(), "عضویت در خبرنامه", "done", more)


@app.route("/signup/done")
def done() -> str:
    """Say what became of a sign-up."""
    return render_template("done.html", title="عضویت در خبرنامه")


@app.route("/constant", methods=["GET", "POST"])
def constant() -> ResponseReturnValue:
    """Serve the operators' form from a constant: what a trip costs if no page is rendered.

    It checks the token, validates the form and calls the portal like `main`. This is the limit
    that the packages set for a trip.
    """
    if request.method == "POST":
        form = ContactForm()
        if not form.validate_on_submit() or _send(form, {}) != SUCCESS:
            abort(400)
        flash('<p data-outcome="delivered">مخاطب ثبت شد.</p>')
        return redirect(url_for("constant"), 303)
    return generate_csrf().join(_around_token()) + "".join(get_flashed_messages())


@functools.cache
def _around_token() -> list[str]:
    """Return the rendered page in parts, between which the token stands."""
    page = render_template("form.html", form=ContactForm(), title="ثبت مخاطب")
    return page.split(generate_csrf())


@app.route("/bare")
def bare() -> str:
    """Answer with next to nothing: the limit that the framework and the server set."""
    return "سلام"


def _serve(form: FlaskForm, title: str, after: str, more: dict[str, str]) -> ResponseReturnValue:
    if form.validate_on_submit():
        status = _send(form, more)
        if status == SUCCESS:
            flash("مخاطب ثبت شد.")
            return redirect(url_for(after), 303)
        form.form_errors.append(f"ثبت نشد: {status}")
    return render_template("form.html", form=form, title=title)


def _send(form: FlaskForm, more: dict[str, str]) -> str:
    """Send a contact, and return the portal's status."""
    data: dict[str, str | list[str]] = {"ContactGroupID": "0", **more}
    for field in form:
        if field.name in ("csrf_token", "consent"):
            continue
        if field.name.endswith(("Date", "Date1", "Date2", "Date3")):
            data[field.name] = _gregorian(field.data)
        elif field.name == "Labels":
            data["Labels"] = [label.strip() for label in re.split("[,،]", field.data)]
        elif field.name == "Active":
            data["Active"] = "true" if field.data else "false"
        else:
            data[field.name] = field.data
    try:
        answer = _session().post(f"{PORTAL}ContactCreate", data=data, timeout=SECONDS)
        return str(answer.json()["Status"])
    except (requests.RequestException, ValueError, KeyError):
        return "Unreachable"


def _session() -> requests.Session:
    """Return this thread's connection to the portal."""
    if not hasattr(_local, "session"):
        _local.session = requests.Session()
        _local.session.headers["Authorization"] = "bench"
    session: requests.Session = _local.session
    return session
