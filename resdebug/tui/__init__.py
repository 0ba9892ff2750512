"""The Textual app: screens, panes, keymap, theme."""

import os

# How often Textual looks whether there is something to paint. At its own 60 a key waits up to 17 ms for its picture.
os.environ.setdefault("TEXTUAL_FPS", "200")
