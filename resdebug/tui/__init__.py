"""The Textual app: screens, panes, keymap, theme."""
