"""The models: fetch, encode, score, serve. A plain library that knows nothing of Django."""
