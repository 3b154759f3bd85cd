"""Model files: which ones there are, where they come from, how they are exported."""
