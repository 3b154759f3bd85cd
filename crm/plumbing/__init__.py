"""What both Django apps use, and no model: threads, background work, storable text."""
