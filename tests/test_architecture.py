"""The house: imports point downwards, and nothing heavy is loaded before it is needed."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("numpy", "networkx", "textual", "rich", "torch", "onnx", "scipy", "safetensors", "asyncio")


def loaded_by(*arguments: str) -> set[str]:
    """Run the command line in a fresh interpreter; return which of the heavy modules it loaded."""
    code = (
        "import sys\n"
        "from resdebug.cli import main\n"
        "try:\n    code = main(sys.argv[1:])\n"
        "except SystemExit as error:\n    code = error.code\n"
        f"print('loaded', *[m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split()[1:])


def test_floors() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["trace", "--help"], ["explain-code", "G021"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    assert loaded_by(*arguments) == set()


def test_headless_commands_never_load_the_screen(tmp_path: Path) -> None:
    graph = ROOT / "graphs" / "two_path.json"
    assert loaded_by("trace", str(graph), "-o", str(tmp_path / "t.jsonl")) == {"numpy"}
    assert loaded_by("trace", str(tmp_path / "t.jsonl"), "-o", str(tmp_path / "u.json")) == {"numpy"}
    assert loaded_by("ops", "conv2d") == {"numpy"}
    assert loaded_by("check", str(graph)) == {"numpy"}
    assert loaded_by("schema") == {"numpy"}


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = f"import sys, resdebug; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_first_frame_needs_no_numpy() -> None:
    code = f"import sys, resdebug.tui.app; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"numpy", "networkx", "safetensors"}.isdisjoint(done.stdout.split())


def test_top_level_holds_what_it_may_and_nothing_else() -> None:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    allowed = {"resdebug", "graphs", "tests", "pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md"}
    tops = {line.split("/")[0] for line in done.stdout.splitlines()}
    assert {t for t in tops if not t.startswith(".")} <= allowed


def test_nothing_from_a_file_is_ever_executed() -> None:
    for path in (ROOT / "resdebug").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            where = f"{path}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else ""
                assert name not in {"eval", "exec", "compile", "__import__"}, where
                pickling = [k for k in node.keywords if k.arg == "allow_pickle"]
                assert all(isinstance(k.value, ast.Constant) and k.value.value is False for k in pickling), where
            elif isinstance(node, ast.Import | ast.ImportFrom):
                names = {alias.name for alias in node.names} | {getattr(node, "module", None) or ""}
                assert names.isdisjoint({"pickle", "marshal", "shelve", "dill", "cloudpickle"}), where


@pytest.mark.parametrize("tool", [["ruff", "check", "."], ["ruff", "format", "--check", "."], ["mypy"]])
def test_lint_and_types(tool: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", *tool], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
