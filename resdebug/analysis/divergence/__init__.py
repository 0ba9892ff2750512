"""Two passes walked in step: where they part first, by how much, and what that looks like."""
