"""Merges and erases customers, with everything that names them."""
