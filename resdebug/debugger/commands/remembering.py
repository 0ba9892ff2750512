"""Commands about watches, bookmarks and files: what is kept for later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from resdebug.debugger.commands.command import Command, Reply, bad, nothing, say, whole_number, words
from resdebug.debugger.commands.describing import answer_data, event_line, short, table, whereabouts
from resdebug.debugger.commands.interpreter import Interpreter
from resdebug.debugger.commands.stopping import stops_table, vocabulary
from resdebug.text import did_you_mean, plural, visible


def _watch(interpreter: Interpreter, rest: str) -> Reply:
    if not rest:
        return watch_table(interpreter, "")
    watch = interpreter.debugger.watches.add(rest)
    now = interpreter.debugger.ask(watch.expression.text)
    line = f"watch {watch.number}: {visible(watch.expression.text, limit=100)} = {short(now)}"
    return say(line, watch=watch.number, text=watch.expression.text, now=answer_data(now))


def _unwatch(interpreter: Interpreter, rest: str) -> Reply:
    watches = interpreter.debugger.watches
    if not rest:
        count = len(watches)
        watches.clear()
        return say(f"{plural(count, 'watch', 'watches')} deleted", deleted=count)
    gone = [watches.delete(whole_number(word)) for word in words(rest)]
    return say(*(f"watch {watch.number} deleted" for watch in gone), deleted=[watch.number for watch in gone])


def watch_table(interpreter: Interpreter, rest: str) -> Reply:
    """List what is watched, before the last move of the cursor and now."""
    nothing("info watches", rest)
    rows = interpreter.debugger.watched()
    cells = [["", "watch", "before", "now", ""]]
    cells += [
        [str(r.number), visible(r.text, limit=60), short(r.before), short(r.now), "changed" if r.changed else ""]
        for r in rows
    ]
    data = [
        {"watch": r.number, "text": r.text, "before": answer_data(r.before), "now": answer_data(r.now),
         "changed": r.changed}
        for r in rows
    ]  # fmt: skip
    return say(*(table(cells) if rows else ["nothing is watched"]), watches=data)


def _bookmark(interpreter: Interpreter, rest: str) -> Reply:
    debugger = interpreter.debugger
    if not rest:
        return bookmark_table(interpreter, "")
    debugger.bookmarks.set(rest, debugger.position)
    return say(f'bookmark "{visible(rest)}" at event {debugger.position}', bookmark=rest, position=debugger.position)


def _unbookmark(interpreter: Interpreter, rest: str) -> Reply:
    position = interpreter.debugger.bookmarks.delete(rest)
    return say(f'bookmark "{visible(rest)}" deleted', bookmark=rest, position=position)


def bookmark_table(interpreter: Interpreter, rest: str) -> Reply:
    """List the bookmarks."""
    nothing("info bookmarks", rest)
    debugger = interpreter.debugger
    marks = sorted(debugger.bookmarks, key=lambda mark: (mark[1], mark[0]))
    lines = [f"{at:>8}  {visible(name)}: {event_line(debugger.timeline[at - 1] if at else None)}" for name, at in marks]
    return say(*(lines or ["no bookmarks are set"]), bookmarks=[{"name": name, "position": at} for name, at in marks])


def _back_to(interpreter: Interpreter, rest: str) -> Reply:
    debugger = interpreter.debugger
    debugger.jump(debugger.bookmarks[rest])
    return whereabouts(debugger)


_TABLES: Final[dict[str, Callable[[Interpreter, str], Reply]]] = {
    "stops": stops_table,
    "watches": watch_table,
    "bookmarks": bookmark_table,
}


def _info(interpreter: Interpreter, rest: str) -> Reply:
    found = [name for name in _TABLES if rest and name.startswith(rest)]
    if rest in {"b", "break", "breakpoints"}:
        found = ["stops"]
    if len(found) != 1:
        known = "info stops, info watches, info bookmarks"
        what = f'there is no table "{visible(rest, limit=60)}"' if rest else "info needs to know about what"
        raise bad("C002", what, did_you_mean(rest, _TABLES) or known)
    return _TABLES[found[0]](interpreter, "")


def _export(interpreter: Interpreter, rest: str) -> Reply:
    if interpreter.export is None:
        raise bad("C005", "nobody here can write files", "resdebug run or the debugger's screen can")
    parts = words(rest)
    force = "--force" in parts
    files = [part for part in parts if part != "--force"]
    if len(files) != 1:
        raise bad("C002", "export takes one file", "such as export t.jsonl, or export t.jsonl --force")
    return say(interpreter.export(files[0], force), file=files[0])


def _bookmark_names(interpreter: Interpreter) -> Iterable[str]:
    return (name for name, _ in interpreter.debugger.bookmarks)


SECTION: Final = "Keeping"

COMMANDS: Final = (
    Command("watch", ("w",), "[EXPRESSION]", "watch an expression as the cursor moves; alone: show what is watched",
            _watch, SECTION, "Examples: watch norm(adj)   watch norm(adj(x))   watch skip_share", vocabulary),
    Command("unwatch", (), "[NUMBER ...]", "watch it no longer, by default nothing any longer", _unwatch, SECTION),
    Command("bookmark", ("m", "mark"), "[NAME]", "name this moment; alone: list the bookmarks", _bookmark, SECTION,
            candidates=_bookmark_names),
    Command("unbookmark", (), "NAME", "remove a bookmark", _unbookmark, SECTION, candidates=_bookmark_names),
    Command("back-to", ("goto",), "NAME", "go to a bookmark", _back_to, SECTION, candidates=_bookmark_names),
    Command("info", ("i",), "stops|watches|bookmarks", "list what is set", _info, SECTION,
            candidates=lambda _: _TABLES),
    Command("export", ("x",), "FILE [--force]", "write the pass to a file; the suffix says in which format", _export,
            SECTION),
)  # fmt: skip
