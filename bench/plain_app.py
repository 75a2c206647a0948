"""The same form, written the straightforward way: what the benchmark compares ours with.

Flask-WTF with its session-bound token, a template that loops over the fields, and `requests.post`
while the person waits. No outbox, no deadline, no limits, no headers.
"""

from __future__ import annotations

import os

import requests
from flask import Flask, render_template_string
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length

app = Flask(__name__)
app.config["SECRET_KEY"] = "bench"

PORTAL = os.environ.get("AMOOT_URL", "http://127.0.0.1:1/rest/")
PAGE = """<!doctype html>
<html lang="fa" dir="rtl"><head><meta charset="utf-8"><title>ثبت مخاطب</title></head><body>
<h1>ثبت مخاطب</h1>
{% if message %}<p role="status">{{ message }}</p>{% endif %}
<form method="post" novalidate>
{{ form.csrf_token }}
{% for field in form if field.name != "csrf_token" %}
<div>{{ field.label }} {{ field }}
{% for error in field.errors %}<p id="{{ field.id }}-error">{{ error }}</p>{% endfor %}</div>
{% endfor %}
<button>ثبت مخاطب</button>
</form></body></html>
"""


class ContactForm(FlaskForm):
    """All fields of ContactCreate."""

    Mobile = StringField("شمارهٔ همراه", [DataRequired("شمارهٔ همراه را وارد کنید.")])
    FName = StringField("نام", [Length(max=50)])
    LName = StringField("نام خانوادگی", [Length(max=50)])
    GenderType = RadioField(
        "جنسیت",
        choices=[("false", "خانم"), ("true", "آقا"), ("", "نمی‌خواهم بگویم")],
        default="",
    )
    CompanyTitle = StringField("نام شرکت یا سازمان", [Length(max=100)])
    JobTitle = StringField("سمت شغلی", [Length(max=100)])
    Email = StringField("نشانی ایمیل", [Length(max=254)])
    CityName = StringField("شهر", [Length(max=50)])
    AddressText = TextAreaField("نشانی", [Length(max=500)])
    BornDate = StringField("تاریخ تولد", [Length(max=30)])
    AnniversaryDate = StringField("تاریخ سالگرد", [Length(max=30)])
    CustomText1 = StringField("فیلد سفارشی ۱", [Length(max=200)])
    CustomText2 = StringField("فیلد سفارشی ۲", [Length(max=200)])
    CustomText3 = StringField("فیلد سفارشی ۳", [Length(max=200)])
    CustomText4 = StringField("فیلد سفارشی ۴", [Length(max=200)])
    CustomText5 = StringField("فیلد سفارشی ۵", [Length(max=200)])
    CustomText6 = StringField("فیلد سفارشی ۶", [Length(max=200)])
    CustomDate1 = StringField("تاریخ سفارشی ۱", [Length(max=30)])
    CustomDate2 = StringField("تاریخ سفارشی ۲", [Length(max=30)])
    CustomDate3 = StringField("تاریخ سفارشی ۳", [Length(max=30)])
    Labels = StringField("برچسب‌ها")
    Active = BooleanField("مخاطب فعال باشد", default=True)


@app.route("/", methods=["GET", "POST"])
def main() -> str:
    """Show the form, or send it and say what the portal said."""
    form = ContactForm()
    message = ""
    if form.validate_on_submit():
        data = {"ContactGroupID": "0", **form.data}
        del data["csrf_token"]
        headers = {"Authorization": "bench"}
        answer = requests.post(f"{PORTAL}ContactCreate", data=data, headers=headers, timeout=20)
        message = answer.json()["Status"]
    return render_template_string(PAGE, form=form, message=message)


@app.route("/bare")
def bare() -> str:
    """Answer with next to nothing: the limit that the framework and the server set."""
    return "سلام"
