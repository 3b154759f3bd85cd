"""Energy from the machine's own counters, and a small server that reads them."""
