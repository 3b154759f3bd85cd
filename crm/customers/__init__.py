"""Customers are merged and erased, with everything that names them."""
