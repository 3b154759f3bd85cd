"""How the student is made small and fast: pruning, low rank, eight bits. Needs torch."""
