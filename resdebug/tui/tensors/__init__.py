"""Ways to draw a tensor: one file each, from a plane of numbers to lines."""
