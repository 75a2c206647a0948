"""The command `amoot-form import`: what it prints, asks and sends."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from serving import COMMAND
from support import SECRET, TOKEN

from webapp.cli import main
from webapp.demo import Simulator
from webapp.messages.imports import EXAMPLE_ROW, EXAMPLES

pytestmark = pytest.mark.slow  # each file is read in a process of its own


def write(path: Path, count: int, *more: str) -> Path:
    """Write a file of so many good rows, and more lines."""
    path.write_text("\n".join(["Mobile", *(f"0912{n:07}" for n in range(count)), *more]))
    return path


@pytest.fixture
def environ(portal: Simulator, tmp_path: Path) -> dict[str, str]:
    """Return the settings of the command."""
    state = {"STATE_DIRECTORY": str(tmp_path / "state"), "IMPORT_RATE": "20"}
    return {"AMOOT_TOKEN": TOKEN, "AMOOT_URL": portal.url, "SECRET_KEY": SECRET, **state}


@pytest.fixture
def run(environ: dict[str, str]) -> Callable[..., Result]:
    """Return a function that runs the command."""
    return lambda *arguments, **options: CliRunner().invoke(
        main, ["import", *map(str, arguments)], env=environ, **options
    )


def test_file_is_sent_after_a_question(
    run: Callable[..., Result], portal: Simulator, tmp_path: Path
) -> None:
    """The preview names wrong rows; a no erases the draft."""
    file = write(tmp_path / "a.csv", 3, "0912", "09120000001")
    result = run(file, input="n\n")
    assert result.exit_code == 1
    assert "Ready: 3. Wrong: 1. With the number of another row: 1." in result.stdout
    assert "row 5, Mobile '0912'" in result.stdout
    assert not portal.contacts
    result = run(file, input="y\n")
    assert (result.exit_code, len(portal.contacts)) == (0, 3), result.output
    assert "Sent: 3. Need attention: 0. Known before, and not sent: 0.\n" in result.stdout
    result = run(file, "--yes")
    assert "Known before, and not sent: 3.\n" in result.stdout


def test_preview_says_which_column_is_which_field(
    run: Callable[..., Result], tmp_path: Path
) -> None:
    """Long cells are shortened; a fault of the whole row has only its sentence."""
    example = EXAMPLES[0]
    file = tmp_path / "a.csv"
    lines = [
        "شماره همراه,نام,رنگ",
        f"{example['Mobile']},{example['FName']},",
        f"09120000001,{'x' * 30_000},",
        "09120000002,علی,",
    ]
    file.write_text("\n".join(lines))
    result = run(file, input="n\n")
    for line in ("'شماره همراه' → Mobile", "'نام' → FName", "'رنگ' → left out"):
        assert f"    {line}\n" in result.stdout
    assert f"    row 2: {EXAMPLE_ROW}\n" in result.stdout
    assert f"    row 3, FName '{'x' * 59}…': " in result.stdout
    result = run(file, "--yes", "--json")
    assert json.loads(result.stdout)["columns"] == [
        {"caption": "شماره همراه", "field": "Mobile"},
        {"caption": "نام", "field": "FName"},
        {"caption": "رنگ", "field": ""},
    ]


def test_standard_output_has_only_the_json(
    run: Callable[..., Result], portal: Simulator, tmp_path: Path
) -> None:
    """The same file again sends nothing, except with `--known send`."""
    file = write(tmp_path / "a.csv", 3, "09120000001")
    runs = (((), 3, 0), ((), 0, 3), (("--twice", "all"), 0, 4), (("--known", "send"), 3, 0))
    for number, (arguments, sent, known) in enumerate(runs):
        result = run(file, "--yes", "--json", *arguments)
        assert result.exit_code == 0, result.output
        found = json.loads(result.stdout)
        assert (found["state"], found["ready"]) == ("done", 0 if number else 3)
        assert (found["sent"], found["known"], found["waiting"]) == (sent, known, 0)
    assert len(portal.contacts) == 6


def test_dates_that_prove_no_order_are_sent_only_in_the_order_that_an_option_says(
    run: Callable[..., Result], portal: Simulator, tmp_path: Path
) -> None:
    """Nothing is guessed, also not with `--yes`."""
    file = tmp_path / "a.csv"
    file.write_text("Mobile,BornDate\n09120000001,3/4/1985\n")
    result = run(file, "--yes")
    assert (result.exit_code, portal.contacts) == (1, [])
    assert "say by --dates what comes first, day or month, in: 'BornDate'" in result.stderr
    assert run(file, "--yes", "--dates", "month").exit_code == 0
    assert str(portal.contacts[0]["BornDate"]).startswith("1985-03-04")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "give a FILE"),
        (("--resume", "K7QF3M2X"), 1, "no import with this reference"),
        (("broken", "--yes"), 1, ""),
        (("wrong", "--yes"), 1, "no row can be sent"),
        (("wrong", "--form", "signup"), 2, "contact"),
    ],
)
def test_what_cannot_be_imported_is_shown_in_one_line(
    run: Callable[..., Result], tmp_path: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """The exit codes are those of the other commands."""
    (tmp_path / "broken").write_bytes(b"\xff\xfe\x00\x01broken\xd8\x00")
    write(tmp_path / "wrong", 0, "0912")
    files = [tmp_path / it if it in ("broken", "wrong") else it for it in arguments]
    result = run(*files)
    assert result.exit_code == code
    assert message in result.stderr


def test_interrupted_import_pauses_and_is_resumed(
    run: Callable[..., Result], environ: dict[str, str], portal: Simulator, tmp_path: Path
) -> None:
    """It says how to go on; each row is sent once."""
    file = write(tmp_path / "a.csv", 60)
    command = [COMMAND, "import", file, "--yes"]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
        until = time.monotonic() + 60
        while not portal.contacts and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert 0 < len(portal.contacts) < 60
    reference = error.split("--resume ")[1].strip()
    result = run("--resume", reference)
    assert result.exit_code == 0, result.output
    assert sorted(it["Mobile"] for it in portal.contacts) == [
        989120000000 + number for number in range(60)
    ]
