"""Makes the student small and fast: pruning, low rank, eight bits. Needs torch."""
