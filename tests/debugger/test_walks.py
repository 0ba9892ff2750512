"""Random walks of thousands of commands: what is seen depends on the position alone, however one got there."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import resdebug
from resdebug.debugger.commands.interpreter import Interpreter
from resdebug.debugger.debugger import Debugger
from resdebug.debugger.stepping import Granularity, stops
from resdebug.export.registry import export
from resdebug.passes.protocol import Pass
from tests.support import Builder, block, residual_chain, two_path


def recorded(builder: Builder) -> Pass:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.jsonl"
        export(builder.run(), path)
        return resdebug.load_trace(path)


PASSES: dict[str, Pass] = {
    "two_path": two_path().run(),
    "block": block(projection=True).run(),
    "chain": residual_chain(6).run(),
    "recorded block": recorded(block()),
    "recorded chain": recorded(residual_chain(3)),
}
STOPS = [
    "fork", "join", "norm(adj) > 0.4", "*", "leaf", "norm(value) > 1", "changed(norm(adj))", 'way == "skip"', "op add",
]  # fmt: skip
WATCHES = ["norm(adj)", "name", "skip_share", "adj", "value"]
UNITS = {"step": Granularity.EDGE, "next": Granularity.NODE, "finish": Granularity.BLOCK}


def seen(debugger: Debugger) -> object:
    """Everything that can be seen at the cursor."""
    names = [node.name for node in debugger.pass_.network.nodes]
    ledger = tuple(
        (row.consumer, row.slot, row.contribution.tobytes(), row.running.tobytes())
        for row in debugger.ledger(debugger.focus())
    )
    interpreter = Interpreter(debugger)
    told = tuple(line for command in ("ledger", "node", "print adj", "list") for line in interpreter.lines(command))
    return debugger.last, debugger.focus(), tuple(map(debugger.node_state, names)), ledger, told


FRESH: dict[tuple[str, int], object] = {}


class Walk(RuleBasedStateMachine):
    """A person who types commands, and a list of stops kept beside by plain means."""

    @initialize(name=st.sampled_from(sorted(PASSES)))
    def open(self, name: str) -> None:
        self.name = name
        self.interpreter = Interpreter(Debugger(PASSES[name]))
        self.debugger = self.interpreter.debugger
        self.marks: dict[str, int] = {}

    def type(self, line: str) -> None:
        self.interpreter.execute(line)

    @rule(unit=st.sampled_from(sorted(UNITS)), count=st.integers(1, 6))
    def step_and_back(self, unit: str, count: int) -> None:
        places = stops(self.debugger.timeline, UNITS[unit]).positions
        here = self.debugger.position
        self.type(f"{unit} {count}")
        ahead = [k for k in places if k > here]
        assert self.debugger.position == (ahead[:count][-1] if ahead else places[-1])
        if here in places and len(ahead) >= count:
            self.type(f"reverse-{unit} {count}")
            assert self.debugger.position == here
            self.type(f"{count}{unit}")

    @rule(unit=st.sampled_from(sorted(UNITS)), count=st.integers(1, 6))
    def back_and_forth(self, unit: str, count: int) -> None:
        places = stops(self.debugger.timeline, UNITS[unit]).positions
        here = self.debugger.position
        self.type(f"reverse-{unit} {count}")
        behind = [k for k in places if k < here]
        assert self.debugger.position == (behind[-count:][0] if behind else places[0])
        if here in places and len(behind) >= count:
            self.type(f"{unit} {count}")
            assert self.debugger.position == here

    @rule(reverse=st.booleans(), count=st.integers(1, 3))
    def run(self, reverse: bool, count: int) -> None:
        chosen = [stop.spec for stop in self.debugger.stops if stop.enabled]
        if not len(self.debugger.stops):
            network, timeline = self.debugger.pass_.network, self.debugger.timeline
            forks = {timeline.after_completion(network[name].index) for name in self.debugger.forks()}
            places = {k for k in forks if k is not None}
        else:
            places = {k for spec in chosen for k in Debugger(PASSES[self.name]).positions(spec)}
        here = self.debugger.position
        self.type(f"{'reverse-' if reverse else ''}continue {count}")
        on = sorted((k for k in places if (k < here if reverse else k > here)), reverse=reverse)
        end = 0 if reverse else len(self.debugger.timeline)
        assert self.debugger.position == (on[count - 1] if len(on) >= count else end)

    @rule(percent=st.integers(0, 100))
    def jump(self, percent: int) -> None:
        self.type(f"jump {percent}%")
        assert abs(self.debugger.position - len(self.debugger.timeline) * percent / 100) <= 0.5

    @rule(data=st.data())
    def jump_to_a_node(self, data: st.DataObject) -> None:
        node = data.draw(st.sampled_from([node.name for node in self.debugger.pass_.network.nodes]))
        self.type(f"jump {node}")
        assert self.debugger.focus() == node

    @rule(name=st.sampled_from(["here", "there"]))
    def bookmark(self, name: str) -> None:
        self.type(f"bookmark {name}")
        self.marks[name] = self.debugger.position

    @precondition(lambda self: bool(self.marks))
    @rule(data=st.data())
    def back_to_a_bookmark(self, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.marks)))
        self.type(f"back-to {name}")
        assert self.debugger.position == self.marks[name]

    @rule(stop=st.sampled_from(STOPS))
    def stop(self, stop: str) -> None:
        self.type(f"break {stop}")

    @precondition(lambda self: len(self.debugger.stops) > 0)
    @rule(data=st.data(), what=st.sampled_from(["delete", "disable", "enable"]))
    def change_a_stop(self, data: st.DataObject, what: str) -> None:
        number = data.draw(st.sampled_from([stop.number for stop in self.debugger.stops]))
        self.type(f"{what} {number}")

    @rule(watch=st.sampled_from(WATCHES))
    def watch(self, watch: str) -> None:
        self.type(f"watch {watch}")

    @invariant()
    def what_is_seen_depends_on_the_position_alone(self) -> None:
        if not hasattr(self, "debugger"):
            return
        position = self.debugger.position
        if (self.name, position) not in FRESH:
            straight = Debugger(PASSES[self.name])
            straight.jump(position)
            FRESH[self.name, position] = seen(straight)
        assert seen(self.debugger) == FRESH[self.name, position]
        for watched in self.debugger.watched():
            assert watched.now is None or watched.text in WATCHES


TestWalk = Walk.TestCase
TestWalk.settings = settings(max_examples=40, stateful_step_count=60, deadline=None, derandomize=True)
