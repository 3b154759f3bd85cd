"""Measures of quality as pure functions, and tables and plots of them."""
