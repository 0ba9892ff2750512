"""The engine: the forward pass, the reverse pass, accumulation rules, finite differences."""
