"""Tests of reading and checking network files."""
