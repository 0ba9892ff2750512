"""What help tells beside single commands: the condition language, all commands, stops, places."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from typing import Any, Final

from resdebug.errors import Fault, UsageError
from resdebug.text import did_you_mean, visible

WIDTH: Final = 100

EXAMPLES: Final = (
    ("norm(adj) < 1e-7", "the gradient has all but vanished"),
    ("anynan(adj) or anyinf(adj)", "it is no number any longer"),
    ("anynan(value)", "the same in the forward pass"),
    ('op == "relu" and zeros(adj) > 0.9', "a ReLU that lets almost nothing through"),
    ("fanout > 1 and skip_share > 0.9", "almost all comes through the skip"),
    ("cos(skip, branch) < 0", "skip and branch pull against each other"),
    ("adj.max > 1e3", "the same as max(adj) > 1e3"),
    ("changed(x3)", "every event that changes the adjoint of x3"),
    ("norm(adj) / norm(prev(adj)) > 10", "it grows tenfold from one node to the next"),
    ('name ~ "layer3.*" and not leaf', "the operators of layer3"),
    ('sent.absmax > 1 and way == "branch"', "a contribution through a branch with a large element"),
)

_OPERATORS: Final = (
    ("a and b, a or b, not a", "joins of conditions; the right side is asked only where the left leaves it open"),
    ("a < b, <=, >, >=, ==, !=", "comparisons; chains such as 0 < norm(adj) <= 1e-7"),
    ('text ~ "pat*", !~', "whether a text matches a glob: * any text, ? one character, [ab] one of them"),
    ('op in ("relu", "gelu")', "one of several; not in"),
    ("+ - * / % **", "arithmetic with numbers, and with tensors element by element"),
    ("adj.max, adj.mean, ...", "a function of one tensor may be written behind a dot"),
    ("1e-7, \"text\", 'text'", "numbers and texts"),
)

_WHEN: Final = (
    "Where a condition is asked depends on what it speaks of: of an event (event, changed) at every event; of a "
    "contribution (sent, consumer, slot, way, arrived) where one arrives, and adj is then the running sum of its "
    "receiver; of adjoints (adj, skip, branch, skip_share) where one is complete; of values alone (value) in the "
    "forward part, where one was evaluated; and of nothing but the node where its adjoint is complete. "
    "What does not exist (the skip of a node that is no fork, prev at the first place) compares as false with "
    "everything; known(x) asks for it. NaN compares as false too, but a != b."
)


_SCRIPTS: Final = (
    "A script has a command a line; empty lines and lines that begin with # do nothing. The transcript holds nothing "
    "that differs from run to run, so that it can be compared with one that is kept. The first command at fault ends "
    "the script: the transcript so far is on stdout, the fault with its line on stderr, and the exit code tells its "
    "kind (65 for a command or condition that cannot be read, 73 for a file that exists already). With --json every "
    "command answers with a line of JSON."
)


def rows(pairs: Mapping[str, str] | tuple[tuple[str, str], ...]) -> list[str]:
    """Return lines of two columns."""
    items = list(pairs.items()) if isinstance(pairs, Mapping) else list(pairs)
    width = min(max(len(left) for left, _ in items), 36)
    lines: list[str] = []
    for left, right in items:
        text = f"{left:<{width}}  {right}"
        lines += textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent=" " * (width + 4))
    return lines


def _conditions() -> list[str]:
    from resdebug.debugger.conditions.functions import FUNCTIONS, SPECIAL
    from resdebug.debugger.conditions.words import WORDS

    functions = tuple((row.usage, row.about) for row in FUNCTIONS.values())
    return [
        "Conditions say where to stop, and what to watch.",
        "", "examples", *rows(EXAMPLES),
        "", "words", *rows(tuple((row.name, f"{row.about} ({row.typed.kind.value})") for row in WORDS.values())),
        "", "functions (s, t tensors; a, b numbers; x either)", *rows(functions), *rows(tuple(SPECIAL.values())),
        "", "signs", *rows(_OPERATORS),
        "", "when", *textwrap.wrap(_WHEN, WIDTH, initial_indent="  ", subsequent_indent="  "),
    ]  # fmt: skip


def _commands() -> list[str]:
    from resdebug.debugger.commands.helping import overview
    from resdebug.debugger.commands.table import BUILT_IN

    return overview(BUILT_IN)


def _command_help(name: str) -> Callable[[], list[str]]:
    def lines() -> list[str]:
        from resdebug.debugger.commands.helping import in_full
        from resdebug.debugger.commands.table import BUILT_IN

        return in_full(next(command for command in BUILT_IN if command.name == name))

    return lines


def _scripts() -> list[str]:
    return [
        "resdebug run GRAPH -c COMMAND ... runs commands without a screen and prints a transcript.",
        "",
        '  resdebug run graphs/resblock.json -c "break fork" -c continue -c ledger',
        "  resdebug run graphs/resblock.json --script session.txt",
        "  echo 'run norm(adj) < 0.1' | resdebug run graphs/resblock.json --script -",
        "",
        *textwrap.wrap(_SCRIPTS, WIDTH),
    ]


TOPICS: Final[dict[str, tuple[str, Callable[[], list[str]]]]] = {
    "conditions": ("the language of stops and watches", _conditions),
    "commands": ("the debugger's commands", _commands),
    "stops": ("what one can stop at", _command_help("break")),
    "jumping": ("what one can jump to", _command_help("jump")),
    "scripts": ("commands without a screen", _scripts),
}


def topic(name: str) -> list[str]:
    """Return the help on a topic, or on a command, as lines. Raises UsageError for one that there is not."""
    from resdebug.debugger.commands.table import BUILT_IN

    if name in TOPICS:
        return TOPICS[name][1]()
    for command in BUILT_IN:
        if name == command.name or name in command.aliases:
            return _command_help(command.name)()
    known = [*TOPICS, *(command.name for command in BUILT_IN)]
    what = f'there is no help on "{visible(name, limit=60)}"'
    raise UsageError(Fault("U001", what, did_you_mean(name, known) or f"topics: {', '.join(TOPICS)}"))


def as_data(name: str) -> dict[str, Any]:
    """Return the help on a topic as plain data; of conditions, the tables themselves. Raises UsageError."""
    from resdebug.debugger.conditions.functions import FUNCTIONS, SPECIAL
    from resdebug.debugger.conditions.words import WORDS

    if name != "conditions":
        return {"topic": name, "lines": topic(name)}
    return {
        "topic": name,
        "examples": [{"condition": text, "about": about} for text, about in EXAMPLES],
        "words": [{"word": r.name, "is": r.typed.kind.value, "about": r.about} for r in WORDS.values()],
        "functions": [{"function": r.name, "usage": r.usage, "about": r.about} for r in FUNCTIONS.values()]
        + [{"function": key, "usage": usage, "about": about} for key, (usage, about) in SPECIAL.items()],
        "signs": [{"sign": sign, "about": about} for sign, about in _OPERATORS],
        "when": _WHEN,
    }
