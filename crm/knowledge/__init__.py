"""Stores records, words them as passages, indexes the passages and searches them."""
