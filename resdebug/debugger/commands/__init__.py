"""The debugger's commands: lines in, lines out. One table; the app's command line and the scripted twin read it."""
