"""Generated networks."""
