"""Real residual networks made from a seed: one file per architecture, one table of kinds."""
