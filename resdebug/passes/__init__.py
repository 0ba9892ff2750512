"""The pass protocol, its two providers, and the reference trace format."""
