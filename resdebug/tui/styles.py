"""Themes and the style sheet: what every role looks like.

Colours are those of Okabe and Ito, told apart with every common colour vision; no meaning hangs on colour alone.
"""

from __future__ import annotations

from textual.theme import Theme

from resdebug.tui.lines import ROLES

_ROLE_STYLES = {
    "dim": "color: $rd-dim;",
    "strong": "text-style: bold;",
    "accent": "color: $accent; text-style: bold;",
    "skip": "color: $rd-skip; text-style: bold;",
    "branch": "color: $rd-branch; text-style: bold;",
    "sum": "color: $rd-sum; text-style: bold;",
    "good": "color: $success;",
    "bad": "color: $error; text-style: bold;",
    "head": "color: $rd-head; background: $primary; text-style: bold;",
    "now": "color: $rd-sum; text-style: bold;",
    "lit": "color: $rd-skip; text-style: bold;",
    "travel": "color: $rd-sum; text-style: bold;",
    "selected": "background: $rd-selected;",
    "negative": "color: $rd-skip;",
    "positive": "color: $rd-branch;",
    "cursor": "color: $rd-sum; text-style: bold reverse;",
    "link": "color: $accent; background: $rd-selected; text-style: bold;",
    "found": "color: $accent; text-style: bold underline;",
}

THEMES = (
    Theme(
        name="resdebug-dark",
        primary="#56b4e9",
        secondary="#cc79a7",
        accent="#56b4e9",
        success="#2bb38a",
        warning="#e69f00",
        error="#ff7043",
        foreground="#e4e6ea",
        background="#14161a",
        surface="#1a1d22",
        panel="#22262d",
        dark=True,
        variables={
            "rd-dim": "#8b93a1",
            "rd-skip": "#6cc0f0",
            "rd-branch": "#f0a830",
            "rd-sum": "#f0e442",
            "rd-head": "#0b0d10",
            "rd-selected": "#27303d",
            "rd-border": "#3a424f",
            "footer-key-foreground": "#f0a830",
        },
    ),
    Theme(
        name="resdebug-light",
        primary="#0072b2",
        secondary="#a0447c",
        accent="#006ba8",
        success="#00734f",
        warning="#8a5d00",
        error="#b83a00",
        foreground="#1a1d22",
        background="#fafafa",
        surface="#f2f3f5",
        panel="#e6e8ec",
        dark=False,
        variables={
            "rd-dim": "#586070",
            "rd-skip": "#0067a3",
            "rd-branch": "#8f5400",
            "rd-sum": "#6a4fb0",
            "rd-head": "#ffffff",
            "rd-selected": "#e0ecf9",
            "rd-border": "#b9c0cb",
            "footer-key-foreground": "#9a5b00",
        },
    ),
    Theme(
        name="resdebug-contrast",
        primary="#ffffff",
        secondary="#ffd7ff",
        accent="#ffff00",
        success="#00ff87",
        warning="#ffd75f",
        error="#ff8787",
        foreground="#ffffff",
        background="#000000",
        surface="#000000",
        panel="#1c1c1c",
        dark=True,
        variables={
            "rd-dim": "#d0d0d0",
            "rd-skip": "#5fd7ff",
            "rd-branch": "#ffaf00",
            "rd-sum": "#ffff00",
            "rd-head": "#000000",
            "rd-selected": "#00405e",
            "rd-border": "#ffffff",
            "footer-key-foreground": "#ffff00",
        },
    ),
    Theme(
        name="resdebug-mono",
        primary="#d0d0d0",
        secondary="#d0d0d0",
        accent="#ffffff",
        success="#d0d0d0",
        warning="#ffffff",
        error="#ffffff",
        foreground="#d0d0d0",
        background="#000000",
        surface="#000000",
        panel="#262626",
        dark=True,
        variables={
            "rd-dim": "#a8a8a8",
            "rd-skip": "#d0d0d0",
            "rd-branch": "#d0d0d0",
            "rd-sum": "#ffffff",
            "rd-head": "#000000",
            "rd-selected": "#3a3a3a",
            "rd-border": "#6c6c6c",
            "footer-key-foreground": "#ffffff",
        },
    ),
)


def role_css(widget: str) -> str:
    """Return the style rules of all roles for one kind of widget."""
    return "\n".join(f"{widget} > .role--{role} {{ {_ROLE_STYLES[role]} }}" for role in ROLES)
