"""What the person sets in a file: what it does, and what faults in it get."""

from __future__ import annotations

from pathlib import Path

import pytest

from resdebug.passes.events import Completed
from resdebug.tui.app import DebuggerApp
from resdebug.tui.commands import COMMANDS
from resdebug.tui.memory import memory_path, remember, remembered
from resdebug.tui.settings import Settings, read_settings
from tests.support import two_path
from tests.tui.driving import Driver


def read(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    return read_settings(path)


def test_everything_that_can_be_set(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        'theme = "contrast"\nascii = true\nmouse = false\nspeed = 8\nreduced_motion = true\n'
        '[keys]\nstep-one-node = "N,right"\n'
        'step-back-one-node = "B, left"\n',
    )
    assert settings == Settings(
        theme="contrast", ascii=True, mouse=False, speed=8, reduced_motion=True,
        keys={"step-one-node": "N,right", "step-back-one-node": "B,left"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("theme = 3", "theme is to be one of dark, light, contrast, mono, not 3"),
        ('them = "dark"', 'did you mean "theme"?'),
        ("speed = true", "speed is to be a number from 0.5 to 64"),
        ("speed = 1e9", "speed is to be a number from 0.5 to 64"),
        ("[keys]\nstep-one-nod = 'n'", 'did you mean "step-one-node"?'),
        ("[keys]\nstep-one-node = 's'", "the key s of step-one-node is taken by step-one-edge"),
        ("[keys]\nstep-one-node = 'ctrl+c'", "is taken by the program"),
        ("[keys]\nstep-one-node = '7'", "is taken by the program"),
        ("[keys]\nstep-one-node = 7", 'are to be written as in "n,right"'),
        ("keys = 3", 'there is no setting "keys"'),
        ("theme = ", "config.toml is ignored"),
        ("a" * 200_000, "larger than"),
        ('"\\u001b[31m" = 1', "⟨U+001B⟩"),
    ],
)
def test_a_fault_is_told_and_the_rest_is_used(tmp_path: Path, text: str, told: str) -> None:
    settings = read(tmp_path, text if text.startswith("a" * 9) else f"ascii = true\n{text}\n")
    assert len(settings.faults) == 1
    assert told in settings.faults[0]
    assert "\x1b" not in settings.faults[0]
    assert settings.keys == {}
    if "ignored" not in told and "larger" not in told:
        assert settings.ascii is True


def test_without_a_file_everything_is_as_it_comes(tmp_path: Path) -> None:
    assert read_settings(tmp_path / "none.toml") == Settings()
    assert read_settings(tmp_path) == Settings(), "a folder is no file"
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    assert "ignored" in read_settings(tmp_path / "binary.toml").faults[0]


def test_names_of_commands_are_told_apart() -> None:
    assert len({command.id for command in COMMANDS}) == len(COMMANDS)
    keys = [key for command in COMMANDS for key in command.keys.split(",")]
    assert len(set(keys)) == len(keys)


async def test_own_keys_work_and_are_shown() -> None:
    settings = Settings(keys={"step-one-node": "a"}, faults=("a fault",))
    app = DebuggerApp(lambda _report: two_path().run(), "t.json", settings=settings, theme="contrast")
    async with app.run_test(size=(120, 36), notifications=True) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        d = Driver(app, pilot)
        assert app.theme == "resdebug-contrast"
        assert "a fault" in d.screen()
        await d.press("n")
        before = d.session.debugger.position
        assert before == d.session.debugger.timeline.seeded
        await d.press("a")
        assert d.last() == Completed("d")
        assert " a node" in d.screen()
        await d.press("question_mark")
        assert "Step one node" in d.screen() or any("Step one node" in str(line) for line in _help(app))


def _help(app: DebuggerApp) -> list[object]:
    from resdebug.tui.pane import Pane

    return list(app.screen.query_one(Pane).lines)


def test_what_is_remembered_survives_and_never_hinders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("RESDEBUG_STATE", str(tmp_path / "deep" / "er"))
    assert remembered() == {}
    remember(theme="light")
    remember(graph_width=50)
    assert remembered() == {"theme": "light", "graph_width": 50}
    assert [p.name for p in memory_path().parent.iterdir()] == ["screen.json"]
    memory_path().write_text("[" * 5000, encoding="utf-8")
    assert remembered() == {}
    monkeypatch.setenv("RESDEBUG_STATE", "/proc/nowhere")
    remember(theme="dark")
    assert remembered() == {}
