"""The panes: each a function from a session to lines, and a widget that shows them."""
