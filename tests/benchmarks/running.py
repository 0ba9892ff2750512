"""Processes that measure: ours and the peer's take turns, each in one of its own, with the same number of threads."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from resdebug.text import visible

ROOT = Path(__file__).parents[2]
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "RESDEBUG_THREADS")
INSTALL = {"torch": "pip install torch"}
EXTRA = "pip install -e '.[bench]'"

Answer = dict[str, Any]


class Skipped(Exception):
    """A row cannot be measured, and why."""


class Failed(Skipped):
    """A measuring process ended with an error."""


def need(*modules: str) -> None:
    """Require that modules can be imported. Raises Skipped that says how to get one."""
    for module in modules:
        if find_spec(module) is None:
            if module.startswith("tests."):
                raise Skipped(f"skipped: there is no {module}")
            raise Skipped(f"skipped: {module} is not installed; {INSTALL.get(module, EXTRA)}")


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a measuring process."""
    return {**os.environ, **dict.fromkeys(VARIABLES, str(threads))}


def once(module: str, *arguments: str, threads: int) -> Answer:
    """Run a module that prints its measurement as JSON and ends. Raises Failed."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment(threads), capture_output=True, text=True, check=False)
    if done.returncode:
        raise _failure(module, done.stderr)
    answer: Answer = json.loads(done.stdout)
    return answer


def _failure(module: str, told: str) -> Failed:
    # A traceback ends with the error; hints and notes of it are indented.
    lines = [line for line in told.splitlines() if line.strip() and not line[0].isspace()]
    return Failed(f"failed: {module}: {visible(lines[-1]) if lines else 'it said nothing'}")


class Worker:
    """A process that stays, and measures whenever it is asked: ``serving.serve`` answers in it."""

    def __init__(self, module: str, *arguments: str, threads: int) -> None:
        self.module = module
        self.told: Answer = {}
        """What it said when it was ready."""
        self._stderr: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the worker
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env=environment(threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()
        self._stderr.close()

    def hear(self) -> Answer:
        """Wait for a line of JSON. Raises Failed when the process ends instead."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._stderr.seek(0)
            raise _failure(self.module, self._stderr.read())
        answer: Answer = json.loads(line)
        return answer

    def ask(self, **request: Any) -> Answer:
        """Send a request and wait for its answer. Raises Failed."""
        assert self._process.stdin is not None
        try:
            print(json.dumps(request), file=self._process.stdin, flush=True)
        except BrokenPipeError:
            self._process.wait()
        return self.hear()


@contextmanager
def workers(threads: int, *commands: tuple[str, ...]) -> Iterator[list[Worker]]:
    """Start a worker for each module with its arguments, one after the other: nothing runs beside a measure."""
    with ExitStack() as stack:
        started = []
        for command in commands:
            worker = stack.enter_context(Worker(*command, threads=threads))
            worker.told = worker.hear()
            started.append(worker)
        yield started


def alternately(rounds: int, *measures: Callable[[], float]) -> list[tuple[float, ...]]:
    """Run the measures in turn; return what each gave, by round."""
    return list(zip(*([measure() for measure in measures] for _ in range(rounds)), strict=True))


def medians(measured: list[tuple[float, ...]]) -> list[float]:
    """Return the median of each measure's rounds."""
    return [statistics.median(times) for times in measured]
