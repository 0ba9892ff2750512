"""Comparison with independent implementations."""
