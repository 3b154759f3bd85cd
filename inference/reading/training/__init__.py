"""Trains the reader: data, recipe, weights. Needs torch; not used in service."""
