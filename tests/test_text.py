"""The gate through which text from files passes: nothing a terminal acts upon comes out."""

from __future__ import annotations

import itertools
import re
import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resdebug.text import adjoint_of, did_you_mean, human_bytes, plural, visible

SINGLE = [
    *map(chr, range(0x20)),
    *map(chr, range(0x7F, 0xA0)),
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2066, 0x206A)),
    *"\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2064\ufeff\u00ad\u061c\u180e\ufff9\ufffb",
    *"\u2028\u2029\u0085\u00a0\u2003\u3000\u202f\ud800\udbff\udc00\udfff\ue000\uf8ff\U000e0001\U000e0041\U0010ffff",
]
SEQUENCES = [
    "\x1b[31mred\x1b[0m",
    "\x1b[2J\x1b[H",
    "\x1b]0;title\x07",
    "\x1b]8;;http://example.org\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]52;c;aGk=\x07",
    "\x1b[6n",
    "\x1bP+q544e\x1b\\",
    "\x1b_Gf=100;\x1b\\",
    "\x1b[?1049h",
    "\x1bc",
    "\x9b31m",
    "\x9d0;title\x9c",
    "\x90q\x9c",
    "\x0e\x0f",
    "a\rb",
    "a\bb",
    "a\x7fb",
    "one\ntwo",
    "user\u202etxt.exe",
    "\u2066\u2067\u2068\u2069",
    "\ud83d alone \ude00",
    "\udc1b[31m",
    "-->\x00<!--",
    "\x1b" * 20,
]
AROUND = ["{}", "conv{}1", "{}x", "x{}"]
HOSTILE = [form.format(bad) for form, bad in itertools.product(AROUND[:2], SINGLE)]
HOSTILE += [form.format(bad) for form, bad in itertools.product(AROUND, SEQUENCES)]


def harmless(text: str) -> bool:
    """Whether Unicode itself says that no character is a control, format, separator, private or lone surrogate."""
    return all(
        c == " " or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs"} for c in text
    )


def test_there_are_more_than_200_hostile_strings() -> None:
    assert len(set(HOSTILE)) > 200
    assert not any(harmless(text) for text in HOSTILE)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_hostile_text_is_made_visible(text: str) -> None:
    shown = visible(text)
    assert harmless(shown)
    assert shown.isprintable()
    assert visible(shown) == shown
    bad = [c for c in text if not harmless(c)]
    assert shown.count("⟨U+") == len(bad)
    for c in bad:
        assert f"⟨U+{ord(c):04X}⟩" in shown
    shown.encode()


@given(st.text(max_size=20))
@settings(max_examples=300, derandomize=True, deadline=None)
def test_any_text_is_made_visible(text: str) -> None:
    shown = visible(text)
    assert harmless(shown)
    assert (shown == text) == harmless(text)
    spelled = re.compile(r"⟨U\+([0-9A-F]{4,6})⟩")
    assert spelled.sub(lambda match: chr(int(match.group(1), 16)), shown) == text


@pytest.mark.parametrize("text", ["", " ", "conv1", "x̄", "λ⊙Σ∂", "層", "a b", "🙂", "⟨U+001B⟩", "<b>[red]$HOME`"])
def test_ordinary_text_passes(text: str) -> None:
    assert visible(text) == text


def test_what_comes_out_literally() -> None:
    assert visible("a\x1b[31m\u202eb") == "a⟨U+001B⟩[31m⟨U+202E⟩b"
    assert visible("\U000e0001") == "⟨U+E0001⟩"
    assert visible("one\ntwo\x07", keep="\n") == "one\ntwo⟨U+0007⟩"


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 200])
@pytest.mark.parametrize("extra", [-1, 0, 1, 5, 1000])
def test_long_text_is_shortened_in_the_middle(limit: int, extra: int) -> None:
    text = "".join(itertools.islice(itertools.cycle("abcdefghijklmnopqrstuvwxyz"), max(limit + extra, 0)))
    shown = visible(text, limit=limit)
    assert len(shown) <= limit
    if extra <= 0:
        assert shown == text
    else:
        start, end = shown.split("…")
        assert len(shown) == limit
        assert text.startswith(start)
        assert text.endswith(end)
        assert 0 <= abs(len(start) - len(end)) <= 1


@pytest.mark.parametrize("text", ["n", "\x1b", "\u202e", "\ud800", "é\n"], ids=ascii)
def test_a_million_characters_take_no_time(text: str) -> None:
    long = text * 1_000_000
    start = time.process_time()
    shown = visible(long)
    assert time.process_time() - start < 0.2
    assert harmless(shown)
    assert "…" in shown
    assert len(shown) < 2000


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("x", "x̄"),
        ("a", "ā"),
        ("W", "W̄"),
        ("y", "ȳ"),
        ("x1", "x̄1"),
        ("W12", "W̄12"),
        ("conv1", "conv1̄"),
        ("loss", "loss̄"),
        ("1", "1̄"),
        ("12", "12̄"),
    ],
)
def test_adjoint_of(name: str, written: str) -> None:
    assert adjoint_of(name) == unicodedata.normalize("NFC", written)
    assert unicodedata.normalize("NFD", adjoint_of(name)).replace("\u0304", "") == name


def test_adjoint_of_uses_one_character_where_there_is_one() -> None:
    assert [hex(ord(c)) for c in adjoint_of("a")] == ["0x101"]
    assert [hex(ord(c)) for c in adjoint_of("x")] == ["0x78", "0x304"]


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("c0nv", ["relu", "conv", "add"], 'did you mean "conv"?'),
        ("stride", ["strides"], 'did you mean "strides"?'),
        ("zzz", ["relu", "conv"], "there is: relu, conv"),
        ("zzz", [], ""),
        ("", ["a"], "there is: a"),
        ("zzz", [f"n{i}" for i in range(12)], "there is: " + ", ".join(f"n{i}" for i in range(12))),
        ("zzz", [f"n{i}" for i in range(13)], ""),
        ("evil\x1b", ["evil\x1b[0m"], 'did you mean "evil⟨U+001B⟩[0m"?'),
        ("zzz", ["\u202e"], "there is: ⟨U+202E⟩"),
    ],
)
def test_did_you_mean(word: str, known: list[str], hint: str) -> None:
    assert did_you_mean(word, known) == hint
    assert did_you_mean(word, iter(known)) == hint


def test_did_you_mean_gives_up_in_good_time() -> None:
    start = time.process_time()
    assert did_you_mean("n" * 1_000_000, [f"n{i}" for i in range(100_000)]) == ""
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    ("count", "noun", "many", "text"),
    [
        (0, "node", "", "0 nodes"),
        (1, "node", "", "1 node"),
        (2, "node", "", "2 nodes"),
        (1, "branch", "branches", "1 branch"),
        (24, "branch", "branches", "24 branches"),
    ],
)
def test_plural(count: int, noun: str, many: str, text: str) -> None:
    assert plural(count, noun, many) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1, "1 B"),
        (1000, "1000 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536, "1.5 KiB"),
        (1_530_000, "1.46 MiB"),
        (100 * 1024, "100 KiB"),
        (999 * 1024, "999 KiB"),
        (1 << 20, "1 MiB"),
        (5 << 30, "5 GiB"),
        (1 << 40, "1 TiB"),
        (1 << 50, "1 PiB"),
    ],
)
def test_human_bytes(count: int, text: str) -> None:
    assert human_bytes(count) == text


@pytest.mark.parametrize("power", range(1, 5))
@pytest.mark.parametrize("count", [1, 9.994, 123.4, 999.4, 999.6, 1000, 1023, 1023.9])
def test_human_bytes_are_read_without_an_exponent(count: float, power: int) -> None:
    number, unit = human_bytes(count * 1024**power).split()
    assert "e" not in number
    assert float(number) * 1024 ** ["B", "KiB", "MiB", "GiB", "TiB", "PiB"].index(unit) == pytest.approx(
        count * 1024**power, rel=0.005
    )


@pytest.mark.parametrize("power", [100, 999, 13000])
def test_human_bytes_beyond_any_unit_is_a_power_of_two(power: int) -> None:
    assert human_bytes(1 << power) == f"2^{power} B"
    assert human_bytes((1 << power + 1) - 1) == f"2^{power} B"
