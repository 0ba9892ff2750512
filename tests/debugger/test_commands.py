"""The debugger's commands: names, help, completion, answers for people and machines, texts at fault."""

from __future__ import annotations

import json

import pytest

from resdebug.debugger.commands.command import Command, Reply, say
from resdebug.debugger.commands.interpreter import Interpreter
from resdebug.debugger.commands.table import BUILT_IN
from resdebug.debugger.debugger import Debugger
from resdebug.debugger.topics import TOPICS, topic
from resdebug.errors import BadInput, UsageError
from tests.support import Builder, block, two_path


def opened(builder: Builder | None = None) -> Interpreter:
    return Interpreter(Debugger((builder or block()).run()))


def test_every_command_has_help_and_every_word_is_one_command() -> None:
    words = [word for command in BUILT_IN for word in (command.name, *command.aliases)]
    assert len(words) == len(set(words))
    interpreter = opened()
    overview = "\n".join(interpreter.lines("help"))
    for command in BUILT_IN:
        assert command.usage in overview
        lines = list(interpreter.lines(f"help {command.name}"))
        assert lines[0] == command.usage
        assert lines == topic(command.name)
        assert all(len(line) <= 100 for line in lines)
    assert all(len(line) <= 100 for name in TOPICS for line in topic(name))
    with pytest.raises(UsageError, match='did you mean "conditions"'):
        topic("conditoins")


def test_names_may_be_shortened_while_they_are_clear() -> None:
    interpreter = opened()
    assert interpreter.find("cont").name == "continue"
    assert interpreter.find("reverse-c").name == "reverse-continue"
    assert interpreter.find("n").name == "next"
    with pytest.raises(BadInput, match="may mean un"):
        interpreter.find("un")
    with pytest.raises(BadInput, match='did you mean "continue"'):
        interpreter.find("contniue")


@pytest.mark.parametrize(
    ("place", "event"),
    [
        ("0", "nothing has happened yet"), ("17", "seeded loss"), ("seed", "seeded loss"), ("+1", "completed loss"),
        ("-1", "evaluated loss"), ("50%", "contributed add.b -> x"), ("100%", "completed beta2"), ("0%", "nothing has"),
        ("conv1", "completed conv1"), ("value conv1", "evaluated conv1"), ("t", "evaluated t"),
        ("x<-add", "contributed add.b -> x"), ("x <- conv1.x", "contributed conv1.x -> x"), ("end", "completed beta2"),
    ],
)  # fmt: skip
def test_places_to_jump_to(place: str, event: str) -> None:
    interpreter = opened()
    (line,) = interpreter.execute(f"jump {place}").lines
    assert f": {event}" in line
    position = interpreter.debugger.position
    assert line.startswith(f"event {position}/47")


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("jump 48", "C002", "0 to 47"), ("jump -18", "C002", "beyond"), ("jump 101%", "C002", "100%"),
        ("jump", "C002", "50%"),
        ("jump conv", "C003", "conv"), ("jump x<-conv2", "C003", "conv1.x"), ("next 0", "C002", "from 1"),
        ("next -1", "C002", "from 1"), ("next 99999999999", "C002", "from 1"), ("next x", "C002", "from 1"),
        ("ledger y", "C003", "no node"), ("node xx", "C003", "no node"), ("until xx", "C003", "no node"),
        ("delete 1", "C004", "none is set"), ("disable 3", "C004", "none is set"), ("places 7", "C004", "none is set"),
        ("unwatch 1", "C004", "nothing is watched"), ("back-to here", "C004", "bookmark NAME"), ("back-to", "C004", ""),
        ("unbookmark a", "C004", ""), ("info", "C002", "stops, watches"), ("info stps", "C002", 'did you mean "stops"'),
        ("export", "C005", ""), ("export a b", "C005", ""), ("start 1", "C002", "no argument"), ("where 1", "C002", ""),
        ("print", "C002", "such as"), ("print nrm(adj)", "C011", 'did you mean "norm"'), ("print value xx", "C003", ""),
        ("watch adj +", "C010", "column 6"), ("run", "C002", "such as"), ("search", "C002", "glob"),
        ("frob", "C001", "help"),
        ("help frob", "C001", ""), ("search " + "a*" * 20, "C013", "8 stars"), ("bookmark \x1b[31m", "C002", "U+001B"),
        ("break " + "(" * 5000, "C013", ""), ("n" * 20_000, "C013", "10000"), ("delete 'x", "C002", "quote"),
    ],
)  # fmt: skip
def test_lines_at_fault_move_nothing_and_say_what_to_do(line: str, code: str, told: str) -> None:
    interpreter = opened()
    with pytest.raises(BadInput) as caught:
        interpreter.execute(line)
    assert caught.value.faults[0].code == code
    assert told in str(caught.value)
    assert interpreter.debugger.position == 17
    assert len(interpreter.debugger.stops) == len(interpreter.debugger.watches) == 0
    answer = list(interpreter.lines(line))
    assert answer[0].startswith(f"error[{code}]: ")


def test_what_is_printed_of_tensors() -> None:
    b = Builder("y")
    b.leaf("x", [[0.5, -1.0], [float("inf"), 0.0]])
    b.leaf("w", [1.0] * 65)
    b.add("s", "sum", {"x": "w"})
    b.add("m", "mul", {"a": "x", "b": "s"})
    b.add("y", "sum", {"x": "m"})
    interpreter = opened(b)
    assert list(interpreter.lines("print value s")) == ['value("s") = 65']
    assert list(interpreter.lines("print adj s")) == ['adj("s"): there is none here']
    assert list(interpreter.lines("print value x")) == [
        'value("x"): float64[2, 2]', "  [[ 0.5 -1. ]", "   [ inf  0. ]]",
    ]  # fmt: skip
    assert list(interpreter.lines("print value w")) == [
        'value("w"): float64[65], 65 elements',
        "  norm 8.06226, min 1, max 1, mean 1, std 0, zeros 0",
    ]
    interpreter.execute("end")
    assert list(interpreter.lines("print adj x")) == ['adj("x"): float64[2, 2]', "  [[65. 65.]", "   [65. 65.]]"]
    assert interpreter.execute("print value x").data == {
        "shape": [2, 2], "dtype": "float64", "data": [0.5, -1.0, "Infinity", 0.0],
    }  # fmt: skip
    assert interpreter.execute("print x").data["adjoint"]["data"] == [65.0] * 4
    assert list(interpreter.lines('print name ~ "w*" or zeros(value(x)) == 0.25')) == [
        'name ~ "w*" or zeros(value(x)) == 0.25 = true',
    ]  # fmt: skip


def test_ledgers_of_scalars_show_the_sum() -> None:
    interpreter = opened(two_path())
    interpreter.execute("jump a")
    reply = interpreter.execute("ledger")
    assert [" ".join(line.split()) for line in reply.lines] == [
        "ledger of ā: 2 of 2 contributions arrived",
        "# consumer slot way norm norm of the sum",
        "1 d a 7 7 + 7 = 7",
        "2 c a 4 11 + 4 = 11",
        "complete: the last sum is the adjoint of a",
    ]
    assert [row["norm"] for row in reply.data["rows"]] == [7.0, 4.0]
    assert "seed, 1, is planted" in interpreter.execute("ledger d").lines[0]
    interpreter.execute("start")
    assert "not planted yet" in interpreter.execute("ledger d").lines[0]
    assert interpreter.execute("ledger a").data["rows"] == []


def test_completion() -> None:
    interpreter = opened()
    assert interpreter.complete("rev") == [
        c.name for c in sorted(BUILT_IN, key=lambda c: c.name) if c.name[:3] == "rev"
    ]
    assert interpreter.complete("until conv") == ["until conv1", "until conv2"]
    assert interpreter.complete("break norm(ad") == ["break norm(add", "break norm(adj", "break norm(adj("]
    assert interpreter.complete("run skip_share > 0.5 and fan") == ["run skip_share > 0.5 and fanout"]
    assert interpreter.complete("info w") == ["info watches"]
    assert interpreter.complete("frob x") == []
    assert interpreter.complete("next ") == []
    interpreter.execute("bookmark the fork")
    assert interpreter.complete("jump the") == ["jump the fork"]
    for line in interpreter.complete("help "):
        assert interpreter.execute(line).lines


def test_every_reply_is_strict_json_and_shows_no_control_character() -> None:
    names = {"x": "\x1b[31mred", "conv1": "a\nb", "loss": "l\u202eoss", "relu1": "[bold]x[/]"}
    interpreter = opened(block(names))
    for line in (
        "where", "node", "ledger", "next", "step", "list", "break fork", "places fork", "continue", "ledger", "node",
        "search relu", "search x", "bookmark b", "info bookmarks", "watch name", "watch adj", "info watches",
        "print adj", "print name", "jump 0", "where", "list", "places name ~ \"*red\"",
    ):  # fmt: skip
        reply = interpreter.execute(line)
        json.dumps(dict(reply.data), allow_nan=False)
        assert all(text.isprintable() for text in reply.lines), (line, reply.lines)


def test_further_commands_are_rows_of_a_table() -> None:
    def tell(interpreter: Interpreter, rest: str) -> Reply:
        return say(f"{rest} at {interpreter.debugger.position}", rest=rest)

    more = Command("shout", ("sh",), "[NODE]", "say it again", tell, "Looking")
    interpreter = Interpreter(Debugger(block().run()), commands=[more])
    assert interpreter.execute("sh x").lines == ("x at 17",)
    assert "shout [NODE]" in "\n".join(interpreter.lines("help"))
    with pytest.raises(ValueError, match="is a command already"):
        interpreter.register(Command("next", (), "", "", tell, ""))
    with pytest.raises(ValueError, match="is a command already"):
        interpreter.register(Command("fresh", ("n",), "", "", tell, ""))


def test_export_goes_through_whoever_can() -> None:
    asked: list[tuple[str, bool]] = []

    def export(name: str, force: bool) -> str:
        asked.append((name, force))
        return "done"

    interpreter = Interpreter(Debugger(block().run()), export=export)
    assert interpreter.execute("export t.jsonl").lines == ("done",)
    interpreter.execute("x 'a b.jsonl' --force")
    assert asked == [("t.jsonl", False), ("a b.jsonl", True)]
    with pytest.raises(BadInput, match="takes one file"):
        interpreter.execute("export")
