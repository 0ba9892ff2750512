"""The screens: the debugger itself, help, export."""
