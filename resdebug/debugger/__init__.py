"""The debugger: a cursor on the timeline, and what moves it."""
