"""What a network is: read, checked, compiled from networkx; its order; the tensor files beside it."""
