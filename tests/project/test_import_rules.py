"""The import contract: what it must not let pass."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

ROOT = Path(__file__).parents[2]
LINT = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Copy the package and its contract."""
    shutil.copytree(ROOT / "webapp", tmp_path / "webapp")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contract in a folder."""
    return subprocess.run(
        [*LINT, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


def add_import(folder: Path, module: str, imported: str) -> None:
    """Let a module import another one."""
    path = folder / f"{module.replace('.', '/')}.py"
    path.write_text(f"{path.read_text()}\nimport {imported}\n")


def test_contract_of_the_package_as_it_is_holds(copy: Path) -> None:
    """Otherwise the other tests of this module would prove nothing."""
    result = lint(copy)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("one", "other", "complaint"),
    [
        ("webapp.web.rendering.content", "webapp.web.help", ".rendering -> .help"),
        ("webapp.contact", "webapp.outbox.rows", "webapp.contact -> webapp.outbox.rows"),
        ("webapp.settings", "webapp.persian.text", "webapp.settings -> webapp.persian.text"),
    ],
)
def test_contract_with_a_circle_is_broken(copy: Path, one: str, other: str, complaint: str) -> None:
    """Be it between modules of one package, or of two layers."""
    add_import(copy, one, other)
    add_import(copy, other, one)
    result = lint(copy)
    assert result.returncode == 1
    assert f"- {complaint}" in result.stdout


def test_contract_with_a_module_in_no_layer_is_broken(copy: Path) -> None:
    """A new module must be given its place."""
    (copy / "webapp" / "stray.py").write_text("")
    result = lint(copy)
    assert result.returncode == 1
    assert "stray" in result.stdout
