"""A pass out: one file per format, one registry."""
