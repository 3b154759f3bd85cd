"""Records as passages: stored, worded, indexed, searched."""
