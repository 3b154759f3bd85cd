"""A conversation and everything that changes it."""
