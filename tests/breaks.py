"""Breaks the product on purpose, once a time, and tells which test of `make test` finds it.

    python tests/breaks.py [NUMBER …]

Each break is a line of the product and what stands in its place, with the tests that are asked
first; only if they pass is the whole of `make test` run. The product is copied first: nothing is
changed where this script stands. A break whose line is gone is an error, to be written anew.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
_PARTS = ("webapp", "templates", "static", "tests", "bench", "docs", "deploy", "examples")
_FILES = ("pyproject.toml", "README.md", "README.fa.md", "CHANGELOG.md", "CONTRIBUTING.md")
_FOUND = re.compile(r"^(?:FAILED|ERROR) (\S+)", re.MULTILINE)
_TIMEOUT_S = 900


@dataclass(frozen=True)
class Break:
    """A fault that somebody could make.

    Attributes:
        file: Where it is, below the project.
        line: A piece of the product's text that stands there once.
        instead: What stands there then.
        asked: The tests that are asked first.
    """

    file: str
    line: str
    instead: str
    asked: str


_D, _W, _P, _F = "webapp/delivery", "webapp/web", "webapp/portal", "webapp/forms"
BREAKS = (
    # The outbox and what sends
    Break(f"{_D}/intake.py", "reason = self.reason_not_to_send(has_permit=has_permit)\n        submission, is_new",
          'reason = ""\n        submission, is_new', "tests/delivery/test_intake.py"),
    Break(f"{_D}/outbox.py", "    _c.owner == bindparam(\"own_owner\"),\n", "", "tests/delivery/test_outbox.py"),
    Break(f"{_D}/outbox.py", "                uncertain=True,\n", "                uncertain=False,\n", "tests/delivery/test_outbox.py"),
    Break(f"{_D}/outbox.py", "is_late = and_(_c.attempts > 0, _c.give_up_at <= now)",
          "is_late = and_(_c.attempts > 9, _c.give_up_at <= now)", "tests/delivery/test_outbox.py"),
    Break(f"{_D}/sender.py", "if submission.blind:  # it was sent twice, which is the most",
          "if submission.blind and False:", "tests/delivery/test_resending.py"),
    Break(f"{_D}/sender.py", "_MAX_UNREADABLE: Final = 2", "_MAX_UNREADABLE: Final = 5", "tests/delivery/test_resending.py"),
    Break(f"{_D}/sender.py", "if time.monotonic() > submission.send_by:", "if False:", "tests/delivery/test_intake.py"),
    Break(f"{_D}/sender.py", "known = [number for number in known if number not in others]",
          "known = list(known)", "tests/delivery/test_intake.py"),
    Break(f"{_D}/sender.py", "self._outbox.reject(submission, error.status, erase=shown is not None)",
          "self._outbox.reject(submission, error.status, erase=True)", "tests/delivery/test_intake.py"),
    Break(f"{_D}/circuit_breaker.py", "at_once = isinstance(error, Refused | Unreachable | TimedOut)",
          "at_once = isinstance(error, Unreachable | TimedOut)", "tests/delivery/test_intake.py"),
    Break(f"{_D}/worker.py", "        self._breaker.close()  # first", "        # first", "tests/delivery/test_long_queue.py"),
    Break(f"{_D}/review.py", "everything = _c.status.not_in(REVIEW_STATUSES)",
          'everything = _c.status != ""', "tests/delivery"),
    Break(f"{_D}/review.py", ".where(_with_contact(_CHANGEABLE_STATES), chosen)\n            .values(\n                contact=None,",
          ".where(chosen)\n            .values(\n                contact=None,", "tests/delivery/test_outbox.py"),
    Break(f"{_D}/verification.py", "if claimed:\n                return self._send(claimed, shown)",
          "if claimed and False:\n                return self._send(claimed, shown)", "tests/web/test_code.py"),
    Break(f"{_D}/feeding.py", "if first and first.is_due and not self._breaker.pause:",
          "if first and first.is_due:", "tests/delivery/test_imports.py"),
    # The portal
    Break(f"{_P}/answers.py", "_REFUSALS: Final = (401, 403, 404, 405, 415)", "_REFUSALS: Final = (401, 403, 404, 405)", "tests/portal/test_answers.py"),
    Break(f"{_P}/answers.py", '_WRAPPERS: Final = ("ReturnValue", "Data", "Result")', '_WRAPPERS: Final = ("ReturnValue", "Data")', "tests/portal/test_answers.py"),
    Break(f"{_P}/answers.py", "return bool(mobile) and is_same_number(mobile, stored.get(\"Mobile\"))", "return True", "tests/portal/test_answers.py"),
    Break(f"{_P}/answers.py", "if code != HTTPStatus.OK:", "if code >= HTTPStatus.BAD_REQUEST:", "tests/portal/test_answers.py"),
    Break(f"{_P}/matching.py", "return abs(day - sent) <= timedelta(days=1)", "return abs(day - sent) <= timedelta(days=2)", "tests/portal/test_matching.py"),
    Break(f"{_P}/matching.py", "if _is_same(contact, record) and _changed(record, first) >= first", "if _is_same(contact, record)", "tests/portal/test_matching.py"),
    Break(f"{_P}/payload.py", 'return "true" if value else "false"', "return str(value)", "tests/portal/test_client.py"),
    Break(f"{_P}/payload.py", "elif empty.is_sent:", "else:", "tests/portal/test_client.py"),
    # Forms and Persian
    Break(f"{_F}/tokens.py", "if slug != form:\n            raise InvalidToken(\"OtherForm\")", "if not slug:\n            raise InvalidToken(\"OtherForm\")", "tests/forms/test_tokens.py"),
    Break(f"{_F}/definitions.py", "complete = {**values, **definition.fixed}", "complete = {**definition.fixed, **values}", "tests/forms tests/web/test_page.py tests/web/test_embed.py"),
    Break(f"{_F}/form.py", "return origin if origin in definition.embed_origins else messages.UNKNOWN_SITE", "return origin", "tests/web/test_embed.py"),
    Break(f"{_F}/reading.py", "if len(text) > row.max_length:", "if len(text) > row.max_length + 1:", "tests/forms tests/web/test_page.py"),
    Break("webapp/persian/text.py", 'str.maketrans("يىك", "ییک")', 'str.maketrans("يك", "یک")', "tests/persian"),
    Break("webapp/persian/mobile.py", "if number != compact:\n        raise InvalidText(messages.MOBILE_EXTENSION)", "if number is None:\n        raise InvalidText(messages.MOBILE_EXTENSION)", "tests/persian"),
    Break("webapp/persian/dates.py", "if birth and value > today:", "if birth and value > today and False:", "tests/persian"),
    Break("webapp/persian/labels.py", "found.setdefault(label_key(name), name)", "found.setdefault(name, name)", "tests/persian"),
    # The web
    Break(f"{_W}/access.py", "return len(senders) >= proxies and _parse_address(senders[-proxies]) is not None", "return True", "tests/web/test_proxies.py"),
    Break(f"{_W}/views/__init__.py", "    access.require_own_host(services().settings)\n", "", "tests/web/test_security.py"),
    Break(f"{_W}/views/contact_form.py", "with blank:\n            return", "if blank:\n            return", "tests/web/test_separation.py"),
    Break(f"{_W}/headers.py", '_KEEP_FOR_BACK: Final = "private, no-cache"', '_KEEP_FOR_BACK: Final = "no-store"', "tests/web/test_back.py"),
    Break(f"{_W}/request.py", "if len(body) != content_length:", "if len(body) > content_length:", "tests/web/test_request_and_access.py"),
    Break(f"{_W}/views/vetting.py", "if form.is_honeypot_filled:", "if not form.is_honeypot_filled and False:", "tests/web/test_spam.py"),
    Break(f"{_W}/views/code.py", "if request.form.get(_TRY, _try(state)) != _try(state):", "if False:", "tests/web/test_back.py"),
    Break("templates/success.html", "{{ t.HELD_PUBLIC if receipt.is_held else", "{{", "tests/web/test_rejections.py"),
    Break("static/embed.js", "if (!frame || mark !== \"amoot-form\"", "if (!frame", "tests/browser/test_embed.py"),
)


def main(numbers: list[int]) -> int:
    """Try these breaks, or all; return how many were not found."""
    missed = 0
    for number, fault in enumerate(BREAKS, 1):
        if not numbers or number in numbers:
            found = _find(fault)
            missed += not found
            print(f"{number:2}  {fault.file}: {found or 'NOT FOUND'}", flush=True)  # noqa: T201
    print(f"{missed} not found")  # noqa: T201
    return missed


def _find(fault: Break) -> str:
    """Return the first test that finds a fault, or ""."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "project")
        copy.mkdir()
        for part in _PARTS:
            shutil.copytree(ROOT / part, copy / part)
        for name in _FILES:
            shutil.copy(ROOT / name, copy / name)
        (copy / "node_modules").symlink_to(ROOT / "node_modules")
        broken = copy / fault.file
        text = broken.read_text()
        if text.count(fault.line) != 1:
            raise SystemExit(f"{fault.file}: not there once: {fault.line!r}")
        broken.write_text(text.replace(fault.line, fault.instead))
        return _run(copy, fault.asked.split()) or _run(copy, [])


def _run(project: Path, tests: list[str]) -> str:
    """Run these tests, or all of `make test`, on a copy; return the first that fails, or ""."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command += [*tests, "-m", "not nightly"] + ([] if tests else ["--numprocesses=2"])
    run = subprocess.run(  # noqa: S603
        command,
        cwd=project,
        env={"PATH": _path(), "PYTHONPATH": str(project), "HOME": str(project)},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    found = _FOUND.search(run.stdout)
    if run.returncode and not found:
        raise SystemExit(run.stdout + run.stderr)
    return found[1] if found else ""


def _path() -> str:
    return f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"


if __name__ == "__main__":
    sys.exit(main([int(number) for number in sys.argv[1:]]) > 0)
