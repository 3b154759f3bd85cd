"""Reads sites inside the network; each page becomes an article."""
