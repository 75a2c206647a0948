"""The samples of the reference's page for ContactCreate, in the bytes of each language."""

import http.client
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any
from urllib.parse import quote_plus, urlsplit

import requests
from support import TOKEN

from webapp.demo import Simulator

LABELS = ["گروه 1", "گروه 2"]
EMPTY_TEXTS = dict.fromkeys(
    ("CompanyTitle", "JobTitle", "Email", "CityName", "AddressText"), ""
) | {f"CustomText{number}": "" for number in range(1, 7)}
DATES = ["BornDate", "AnniversaryDate", "CustomDate1", "CustomDate2", "CustomDate3"]
URLENCODED = "application/x-www-form-urlencoded"
BOUNDARY = "------------------------d74496d66958873e"


def send(simulator: Simulator, body: bytes, content_type: str) -> Any:
    """Send a body to ContactCreate, and return what its answer holds."""
    headers = {"Authorization": TOKEN, "Content-Type": content_type}
    with closing(http.client.HTTPConnection(urlsplit(simulator.url).netloc)) as connection:
        connection.request("POST", "/rest/ContactCreate", body, headers)
        return json.loads(connection.getresponse().read())


def urlencoded(pairs: Sequence[tuple[str, str]]) -> bytes:
    """Encode a form as PHP does."""
    return "&".join(f"{quote_plus(name)}={quote_plus(text)}" for name, text in pairs).encode()


def multipart(pairs: Sequence[tuple[str, str]]) -> bytes:
    """Encode a form as libcurl does, which PHP uses, too."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'
        for name, text in pairs
    ]
    return f"{''.join(parts)}--{BOUNDARY}--\r\n".encode()


def sample(gender: str, dates: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the form of the samples without its labels."""
    first = {"Mobile": "09120000000", "FName": "", "LName": "", "ContactGroupID": "0"}
    return list({**first, "GenderType": gender, **EMPTY_TEXTS, **dates}.items())


def check_stored(simulator: Simulator, answer: Any) -> None:
    """Check that the sample's contact is stored as it is meant, and nothing else."""
    assert answer["Status"] == "Success", simulator.requests[-1].body
    (contact,) = simulator.contacts
    assert contact["Mobile"] == 989120000000
    assert (contact["GenderType"], contact["Active"]) == (True, True)
    assert contact["Labels"] == LABELS
    assert {contact[name] for name in (*EMPTY_TEXTS, *DATES, "FName", "LName")} == {None}


def test_sample_in_python_is_taken_as_requests_sends_it(simulator: Simulator) -> None:
    """It writes True, repeats the labels, and leaves out the dates, which are None."""
    data = {
        "Mobile": "09120000000",
        "FName": "",
        "LName": "",
        "ContactGroupID": 0,
        "GenderType": True,
        **EMPTY_TEXTS,
        **dict.fromkeys(DATES),
        "Labels": LABELS,
    }
    with requests.Session() as session:
        session.trust_env = False
        url = f"{simulator.url}ContactCreate"
        answer = session.post(url, headers={"Authorization": TOKEN}, data=data, timeout=20).json()
    names = [name for name, _ in simulator.requests[-1].pairs]
    assert not {"Active", *DATES} & set(names)
    assert names.count("Labels") == 2
    check_stored(simulator, answer)


def test_active_as_python_writes_it_is_taken(simulator: Simulator) -> None:
    """The sample of ContactEdit has it."""
    pairs = [*sample("True", dict.fromkeys(DATES, "")), ("Active", "False"), ("Labels", "")]
    send(simulator, urlencoded(pairs), URLENCODED)
    assert [contact["Active"] for contact in simulator.contacts] == [False]


def test_sample_in_c_sharp_is_taken_as_webclient_sends_it(simulator: Simulator) -> None:
    """It writes True, joins the labels with commas, and sends null dates as empty ones."""
    pairs = [*sample("True", dict.fromkeys(DATES, "")), ("Labels", ",".join(LABELS))]
    # .NET escapes in lower case.
    body = re.sub(b"%[0-9A-F]{2}", lambda match: match[0].lower(), urlencoded(pairs))
    assert body.endswith(b"+1%2c%da%af%d8%b1%d9%88%d9%87+2")
    check_stored(simulator, send(simulator, body, URLENCODED))


def test_sample_in_curl_is_taken_as_multipart(simulator: Simulator) -> None:
    """It has brackets after the name of the labels, and the only `Active`."""
    pairs = [
        *sample("true", dict.fromkeys(DATES, "")),
        *(("Labels[]", label) for label in LABELS),
        ("Active", "true"),
    ]
    answer = send(simulator, multipart(pairs), f"multipart/form-data; boundary={BOUNDARY}")
    check_stored(simulator, answer)


def test_sample_in_php_is_taken_as_multipart(simulator: Simulator) -> None:
    """PHP writes true as 1 and null as an empty text; its newer versions repeat an array's key."""
    pairs = [*sample("1", dict.fromkeys(DATES, "")), *(("Labels", label) for label in LABELS)]
    answer = send(simulator, multipart(pairs), f"multipart/form-data; boundary={BOUNDARY}")
    check_stored(simulator, answer)


def test_sample_in_php_is_taken_urlencoded(simulator: Simulator) -> None:
    """`http_build_query` leaves out null, and numbers the keys of an array."""
    pairs = [*sample("1", {}), *((f"Labels[{at}]", label) for at, label in enumerate(LABELS))]
    check_stored(simulator, send(simulator, urlencoded(pairs), URLENCODED))
