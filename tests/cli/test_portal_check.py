"""`amoot-form check --portal` and `--create`: the meaning that the table gives to each answer."""

import re
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest
from click.testing import CliRunner, Result
from support import SECRET, TOKEN

from webapp.cli import main
from webapp.cli.commands import wrong_token
from webapp.cli.portal_check import creating, english, own_contacts
from webapp.demo import Simulator
from webapp.demo.faults import PROFILES, Fault, Profile, SimulatedAnswer, json_answer
from webapp.demo.http import Captured
from webapp.messages import portal_check as persian

pytestmark = pytest.mark.slow

MOBILE = "09121234567"
NO_CREATING = {"known", "create", "delete"}


class Seen(NamedTuple):
    """A row of the report."""

    facts: str
    meaning: str
    change: str


class Checked(NamedTuple):
    """What a check printed, wrote and returned."""

    result: Result
    report: str
    rows: Mapping[str, Seen]

    def says(self, name: str, level: str, key: str) -> bool:
        """Return whether a row has this level and this meaning."""
        text = f"{english.LEVELS[level]}: {english.MEANINGS[key]}"
        pattern = ".*".join(map(re.escape, re.split(r"\{\w+\}", text)))
        return name in self.rows and re.fullmatch(pattern, self.rows[name].meaning) is not None


class Clock:
    """A clock that only sleeping moves on."""

    def __init__(self) -> None:
        """Begin at 0; `slept` is called after each sleep."""
        self.now = 0.0
        self.slept: Callable[[], None] = lambda: None

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.now += seconds
        self.slept()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return the clock that the check uses."""
    clock = Clock()
    monkeypatch.setattr(own_contacts, "sleep", clock.sleep)
    for module in (own_contacts, creating):
        monkeypatch.setattr(module, "monotonic", lambda: clock.now)
    return clock


@pytest.fixture
def check(simulator: Simulator, clock: Clock, tmp_path: Path) -> Callable[..., Checked]:
    """Return a function that runs the check against the simulator."""
    clock.now = 0.0
    path = tmp_path / "report.md"

    def run(*options: str, report: Path = path, **environ: str) -> Checked:
        ready = {"AMOOT_TOKEN": TOKEN, "AMOOT_URL": simulator.url, "SECRET_KEY": SECRET}
        state = {"STATE_DIRECTORY": str(tmp_path), "LANG": "C", "LC_ALL": ""}
        state["AMOOT_DEADLINE"] = "20"  # which a busy machine keeps
        arguments = ["check", *(options or ["--portal"]), "--report", str(report)]
        path.unlink(missing_ok=True)
        result = CliRunner().invoke(main, arguments, env={**ready, **state, **environ})
        text = path.read_text() if path.exists() else ""
        return Checked(result, text, dict(rows(text)))

    return run


def rows(report: str) -> Iterator[tuple[str, Seen]]:
    """Yield the rows of a report by their names."""
    for line in report.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)][1:-1]
        if len(cells) == 4 and ":" in cells[0]:
            yield cells[0].split(":")[0], Seen(*cells[1:])


# By profile: the rows that are not all well, with their levels and meanings.
EXPECTED: Mapping[str, Mapping[str, tuple[str, str]]] = {
    "strict": {"again": ("note", "again.second"), "edit": ("note", "edit.kept")},
    "wrapped": {"create": ("fine", "create.created")},
    "array": {"create": ("fine", "create.created")},
    "bare": {"create": ("fine", "create.created")},
    "text": {"create": ("fine", "create.created")},
    "contact": {"create": ("fine", "create.created")},
    "unreadable": {
        "empty-number": ("wrong", "empty-number.unread"),
        "create": ("wrong", "create.unread"),
        "delete": ("fine", "delete.deleted"),
    },
    "gender-required": {
        "empty-number": ("change", "empty-number.form"),
        "create": ("fine", "create.created"),
        "gender": ("note", "gender.false"),
    },
    "gender-false": {"gender": ("note", "gender.false")},
    "no-gender-missing": {"gender": ("fine", "gender.none")},
    "known-updated": {
        "again": ("change", "again.blanked"),
        "omitted": ("fine", "omitted.kept"),
        "delete": ("fine", "delete.deleted"),
    },
    "known-refused": {"again": ("note", "again.refused")},
    "reshaped-texts": {"values": ("fine", "values.spelling")},
    "no-match-null": {"search": ("fine", "search.none"), "known": ("fine", "known.none")},
    "no-match-missing": {"search": ("fine", "search.none"), "known": ("fine", "known.none")},
    "search-failed": {
        "search": ("wrong", "search.no-answer"),
        "known": ("wrong", "known.no-answer"),
    },
    "search-refused": {
        "search": ("change", "search.not-allowed"),
        "known": ("change", "known.not-allowed"),
    },
    "labels-ignored": {
        "label-search": ("note", "label-search.ignored"),
        "edit": ("note", "edit.unknown"),
    },
    "labels-refused": {"label-search": ("note", "label-search.refused")},
    "edit-drops-labels": {"edit": ("note", "edit.dropped")},
    "edit-refused": {
        "edit": ("note", "edit.not-allowed"),
        "delete": ("change", "delete.not-allowed"),
        "labels-left": ("note", "labels-left.some"),
    },
    "http-401": {"account": ("wrong", "account.refused")},
}


def test_each_plausible_portal_has_its_line_of_meaning(
    check: Callable[..., Checked], simulator: Simulator
) -> None:
    """And the exit status is 1 where a row asks for a change or is wrong."""
    surprises: list[tuple[object, ...]] = []
    for name, expected in EXPECTED.items():
        simulator.purge()
        simulator.profile = PROFILES[name]
        seen = check("--create", MOBILE)
        surprises += [
            (name, row, meaning, seen.rows.get(row))
            for row, meaning in expected.items()
            if not seen.says(row, *meaning)
        ]
        is_well = not any(level in {"change", "wrong"} for level, _ in expected.values())
        if seen.result.exit_code != (0 if is_well else 1):
            surprises.append((name, "exit status", seen.result.exit_code, seen.result.output))
        left = [str(contact["ID"]) for contact in simulator.contacts]
        if left and ", ".join(left) not in " ".join(seen.result.output.split()):
            surprises.append((name, "left and not told", left, seen.result.output))
        if bool(left) != (name == "edit-refused"):
            surprises.append((name, "left", left, seen.rows.get("delete")))
    assert surprises == []


def test_setting_that_a_row_names_makes_all_well(
    check: Callable[..., Checked], simulator: Simulator
) -> None:
    """The administrator sets it, and the next run has nothing to change."""
    rows_to_follow = {
        "gender-required": ("empty-number", "AMOOT_EMPTY_GENDER=false"),
        "known-updated": ("again", "AMOOT_EMPTY=omit"),
    }
    for name, (row, setting) in rows_to_follow.items():
        simulator.purge()
        simulator.profile = PROFILES[name]
        assert check("--create", MOBILE).rows[row].change == setting
        variable, value = setting.split("=")
        seen = check("--create", MOBILE, **{variable: value})
        assert (name, seen.result.exit_code) == (name, 0), seen.result.output


@pytest.mark.parametrize(("profile", "value"), [("strict", "on"), ("edit-drops-labels", "off")])
def test_row_of_the_edit_advises_a_setting(
    check: Callable[..., Checked], simulator: Simulator, profile: str, value: str
) -> None:
    """By whether labels that were not sent have stayed."""
    simulator.profile = PROFILES[profile]
    assert check("--create", MOBILE).rows["edit"].change == f"AMOOT_EDIT={value}"


def test_check_of_the_portal_stores_nothing(
    check: Callable[..., Checked], simulator: Simulator
) -> None:
    """It asks each method that the program uses, but for codes, and creates no contact."""
    seen = check()
    asked = [request.path.rpartition("/")[2] for request in simulator.requests]
    assert asked == [
        *("AccountStatus", "AccountStatus", "ContactGroupList", "ContactSearch", "ContactCreate")
    ]
    assert (seen.result.exit_code, simulator.contacts) == (0, [])
    assert not NO_CREATING & seen.rows.keys()
    assert ("Mobile", "") in simulator.requests[-1].pairs


def test_row_shows_http_status_shape_and_place_of_the_status(
    check: Callable[..., Checked], simulator: Simulator
) -> None:
    """The report shows how the portal answers, and with which keys."""
    expected = {
        "strict": "HTTP 200, JSON object, Status = Success, Data: object",
        "wrapped": "HTTP 200, JSON object, ReturnValue.Status = Success, ReturnValue: object",
        "array": "HTTP 200, JSON array of 1, [0].Status = Success, Data: object",
        "bare": "HTTP 200, JSON string, word = Success",
        "text": "HTTP 200, text, 7 bytes, word = Success",
        "contact": "HTTP 200, JSON object, ReturnValue.ID = Success, ReturnValue: object",
        "unreadable": "HTTP 200, HTML, 44 bytes, no Status",
        "http-401": "HTTP 401, JSON object, no Status",
    }
    found = {}
    for name in expected:
        simulator.purge()
        simulator.profile = PROFILES[name]
        row = check("--create", MOBILE).rows.get("create" if name != "http-401" else "account")
        found[name] = re.sub(r", [\d.]+ s$", "", row.facts) if row else None
    assert found == expected
    simulator.purge()
    assert '"FName": "string"' in check("--create", MOBILE).report


def test_neither_report_nor_terminal_shows_a_secret(
    check: Callable[..., Checked], simulator: Simulator
) -> None:
    """The report has no number at all; the terminal has the administrator's own one."""
    for name in ("strict", "edit-refused", "known-refused"):
        simulator.purge()
        simulator.profile = PROFILES[name]
        seen = check("--create", "+98 912 123 4567")
        assert "create" in seen.rows
        wrong = simulator.requests[1].headers["Authorization"]
        for secret in (TOKEN, wrong, SECRET):
            assert secret not in seen.report + seen.result.output
        assert "9121234567" not in seen.report
        numbers = re.findall(r"\b0?9\d{9}\b|989\d{9}", seen.result.output)
        assert set(numbers) <= {MOBILE}


def test_wrong_token_has_the_form_of_the_right_one() -> None:
    """Else a portal might refuse it for its form."""
    token = "aB3-" * 8
    made = {wrong_token(token) for _ in range(20)}
    assert token not in made
    assert all(re.fullmatch(r"([a-z][A-Z][0-9]-){8}", one) for one in made)
    assert wrong_token("--") != "--"


def test_delay_of_the_search_beyond_the_setting_names_a_longer_one(
    check: Callable[..., Checked], simulator: Simulator, clock: Clock
) -> None:
    """Time is the check's own: the search sees the contact after 200 seconds."""
    simulator.profile = Profile(lag=3600)

    def slept() -> None:
        if clock.now >= 150:
            simulator.profile = Profile()

    clock.slept = slept
    seen = check("--create", MOBILE, AMOOT_SETTLE="120")
    assert seen.says("appears", "change", "appears.late")
    setting, seconds = seen.rows["appears"].change.split("=")
    assert setting == "AMOOT_SETTLE"
    assert 300 <= int(seconds) <= 340
    assert (seen.result.exit_code, simulator.contacts) == (1, [])


def test_contact_that_no_search_finds_is_deleted_by_its_id(
    check: Callable[..., Checked], simulator: Simulator
) -> None:
    """The answer of ContactCreate has named it."""
    simulator.profile = Profile(lag=3600)
    seen = check("--create", MOBILE)
    assert seen.says("appears", "wrong", "appears.never")
    assert simulator.contacts == []


def test_number_that_the_portal_has_gets_no_test_contact(
    check: Callable[..., Checked], simulator: Simulator
) -> None:
    """Its contact stays as it is."""
    simulator.profile = PROFILES["edit-refused"]
    assert check("--create", MOBILE).result.exit_code == 1
    before = simulator.contacts
    simulator.profile = PROFILES["strict"]
    seen = check("--create", MOBILE)
    assert seen.says("known", "change", "known.found")
    assert (seen.result.exit_code, simulator.contacts) == (1, before)
    assert "create" not in seen.rows


def test_answer_that_is_lost_is_looked_up_and_its_contact_deleted(
    check: Callable[..., Checked], simulator: Simulator
) -> None:
    """The administrator knows what was stored although no answer came."""
    created: list[Captured] = []

    def lose(request: Captured) -> str | Fault | SimulatedAnswer:
        is_create = request.path.endswith("Create") and ("Mobile", MOBILE) in request.pairs
        created.extend([request] * is_create)
        return Fault.APPLIED_THEN_CLOSE if is_create else "Success"

    simulator.respond_with = lose
    seen = check("--create", MOBILE)
    assert len(created) == 2  # the second one is the row `again`
    assert seen.says("create", "wrong", "create.unread")
    assert seen.says("delete", "fine", "delete.deleted")
    assert (seen.result.exit_code, simulator.contacts) == (1, [])


def test_contact_that_may_still_appear_is_reported(
    check: Callable[..., Checked], simulator: Simulator, clock: Clock
) -> None:
    """After a lost answer, and a search that has not found it: it is not reported as gone."""

    def lose(request: Captured) -> str | Fault | SimulatedAnswer:
        is_create = request.path.endswith("Create") and ("Mobile", MOBILE) in request.pairs
        return Fault.CLOSE_WITHOUT_ANSWER if is_create else "Success"

    simulator.respond_with = lose
    seen = check("--create", MOBILE)
    assert seen.says("create", "wrong", "create.failed")
    assert seen.says("delete", "change", "delete.perhaps")
    assert MOBILE in " ".join(seen.result.output.split())
    assert clock.now >= 120
    assert seen.result.exit_code == 1


def test_contact_that_is_not_found_and_not_deleted_is_named_by_its_id(
    check: Callable[..., Checked], simulator: Simulator
) -> None:
    """A search that has never found it cannot show that it is gone."""
    simulator.profile = Profile(lag=3600, instead={"ContactDelete": "ServerError"})
    seen = check("--create", MOBILE)
    assert seen.says("delete", "change", "delete.left")
    (left,) = simulator.contacts
    assert re.search(rf"IDs:\s+{left['ID']}\b", seen.result.output)


def test_ended_check_deletes_what_it_has_created(
    check: Callable[..., Checked], simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Ctrl-C or SIGTERM in the middle; the report is written."""
    for number in (signal.SIGINT, signal.SIGTERM):

        def end(_: object, number: signal.Signals = number) -> None:
            assert simulator.contacts
            signal.raise_signal(number)

        monkeypatch.setattr(creating.Trial, "_search_labels", end)
        seen = check("--create", MOBILE)
        assert seen.result.exit_code == 1
        assert seen.says("delete", "fine", "delete.deleted")
        assert "again" not in seen.rows
        assert simulator.contacts == []


def test_check_that_is_ended_while_it_deletes_says_where_to_look(
    check: Callable[..., Checked], simulator: Simulator
) -> None:
    """A second Ctrl-C: the administrator still knows that something may be left."""

    def end(request: Captured) -> str:
        if request.path.endswith("Delete"):
            signal.raise_signal(signal.SIGINT)
        return "Success"

    simulator.respond_with = end
    seen = check("--create", MOBILE)
    assert seen.result.exit_code == 1
    assert english.SENTENCES["ended"].format(mobile=MOBILE) in seen.result.output


def test_texts_that_the_portal_cuts_are_named_with_their_lengths(
    check: Callable[..., Checked], simulator: Simulator
) -> None:
    """Cut texts would not be recognised after a lost answer."""

    def cut(request: Captured) -> str | SimulatedAnswer:
        if not request.path.endswith("Search"):
            return "Success"
        stored = [
            {**it, "FName": it["FName"][:30], "CompanyTitle": it["CompanyTitle"][:64]}
            for it in simulator.contacts
        ]
        return json_answer({"Status": "Success", "Data": stored})

    simulator.respond_with = cut
    seen = check("--create", MOBILE)
    assert seen.says("values", "change", "values.cut")
    assert "cut from 50 to 30: FName" in seen.rows["values"].facts
    assert "cut from 100 to 64: CompanyTitle" in seen.rows["values"].facts


def test_contact_that_is_too_long_is_tried_with_short_texts(
    check: Callable[..., Checked], simulator: Simulator
) -> None:
    """The rest of the check goes on."""

    def refuse_long(request: Captured) -> str:
        texts = dict(request.pairs)
        is_long = request.path.endswith("Create") and len(texts.get("Email", "")) > 100
        return "Length_Exceeded" if is_long else "Success"

    simulator.respond_with = refuse_long
    seen = check("--create", MOBILE)
    assert seen.says("create", "change", "create.short")
    assert "max_length" in seen.rows["create"].change
    assert seen.says("values", "fine", "values.same")
    assert (seen.result.exit_code, simulator.contacts) == (1, [])


def test_contact_that_is_stored_without_a_number_is_reported_and_deleted(
    check: Callable[..., Checked], simulator: Simulator
) -> None:
    """No further contact is created then."""
    deleted: list[str] = []

    def take_all(request: Captured) -> str | SimulatedAnswer:
        if request.path.endswith("Create"):
            stored = {"ID": 77, "Mobile": None if is_named else 989120000000}
            return json_answer({"Status": "Success", "Data": stored})
        deleted.extend(text for name, text in request.pairs if name == "ContactID")
        is_deletion = request.path.endswith("Delete")
        return json_answer({"Status": "Success"}) if is_deletion else "Success"

    simulator.respond_with = take_all
    is_named = True
    seen = check("--create", MOBILE)
    assert seen.says("empty-number", "wrong", "empty-number.deleted")
    assert (deleted, seen.result.exit_code) == (["77"], 1)
    assert "create" not in seen.rows
    is_named = False  # the ID of another person
    seen = check("--create", MOBILE)
    assert seen.says("empty-number", "wrong", "empty-number.stored")
    assert deleted == ["77"]


def test_contact_with_another_number_is_never_deleted(
    check: Callable[..., Checked], simulator: Simulator
) -> None:
    """For any records of a search or an answer of ContactCreate."""
    stranger = {"ID": 5000, "Mobile": 989120000000, "FName": "x", "LName": "y"}
    asked: list[tuple[str, str]] = []

    def search_late(request: Captured) -> str | SimulatedAnswer:
        asked.extend(pair for pair in request.pairs if request.path.endswith("Delete"))
        if request.path.endswith("Search") and simulator.contacts:
            return json_answer({"Status": "Success", "Data": [stranger, *simulator.contacts]})
        return "Success"

    simulator.respond_with = search_late
    assert "create" in check("--create", MOBILE).rows
    assert asked
    assert ("ContactID", "5000") not in asked
    simulator.purge()
    simulator.respond_with = lambda request: (
        json_answer({"Status": "Success", "Data": [stranger]})
        if request.path.endswith("Search")
        else "Success"
    )
    seen = check("--create", MOBILE)
    assert seen.says("known", "wrong", "search.others")
    assert "create" not in seen.rows


def test_line_of_a_form_is_asked_about(
    check: Callable[..., Checked], simulator: Simulator, tmp_path: Path
) -> None:
    """By its place in the report: the line's number is private."""
    forms = tmp_path / "forms.toml"
    forms.write_text(
        '[forms.x]\ntitle = "آ"\naccess = "intranet"\nfields = ["Mobile"]\nline = "30001234"\n'
    )
    seen = check("--portal", FORMS_FILE=str(forms))
    assert seen.says("line", "fine", "line.free")
    assert "30001234" not in seen.report
    simulator.profile = Profile(instead={"IsBlackList_ByCancelation": "LineNumber_NotExist"})
    seen = check("--portal", FORMS_FILE=str(forms))
    assert seen.says("line", "change", "line.refused")
    assert seen.result.exit_code == 1


@pytest.mark.parametrize("fault", [Fault.CLOSE_WITHOUT_ANSWER, Fault.HTTP_502, Fault.HTTP_429])
def test_portal_that_does_not_answer_is_asked_once(
    check: Callable[..., Checked], simulator: Simulator, fault: Fault
) -> None:
    """The other rows would say the same."""
    simulator.respond_with = lambda _: fault
    seen = check()
    assert seen.says("account", "wrong", "silent")
    assert (seen.result.exit_code, len(simulator.requests)) == (1, 1)


def test_table_is_persian_by_option_or_environment(check: Callable[..., Checked]) -> None:
    """English otherwise; each text is in both languages, with the same values."""
    told = persian.MEANINGS["account.known"]
    assert told in " ".join(check("--portal", "--language", "fa").report.split())
    assert told in check("--portal", LANG="fa_IR.UTF-8").report
    assert told not in check("--portal", "--language", "en", LANG="fa_IR.UTF-8").report
    for name in ("LEVELS", "SENTENCES", "ASKED", "MEANINGS", "CHANGES"):
        texts = getattr(english, name), getattr(persian, name)
        values = [
            {key: set(re.findall(r"\{\w+\}", text)) for key, text in language.items()}
            for language in texts
        ]
        assert values[0] == values[1], name


def test_wrong_use_is_reported_before_any_call(
    check: Callable[..., Checked], simulator: Simulator, tmp_path: Path
) -> None:
    """A wrong number, a report that cannot be written, options that do not go together."""
    assert check("--create", "021").result.exit_code == 2
    assert check("--portal", "--alert").result.exit_code == 2
    assert check("--portal", report=tmp_path / "nowhere" / "report.md").result.exit_code == 2
    assert check("--portal", AMOOT_TOKEN="", AMOOT_URL="").result.exit_code == 1
    assert list(simulator.requests) == []


def test_page_about_the_portal_explains_each_row() -> None:
    """By its name, with what it costs if an assumption is wrong."""
    page = (Path(__file__).parents[2] / "docs" / "portal.md").read_text()
    assert {name for name in english.ASKED if f"`{name}`" not in page} == set()
