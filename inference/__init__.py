"""The models: fetch, encode, score, serve. A plain library that knows nothing of Django."""

import os

# ONNX Runtime 1.29 and later reports its usage to its maker unless this is set (Privacy.md in its
# repository). It reads the variable once, when it is loaded: set it before any module loads it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# OpenBLAS, which NumPy loads, wakes a thread on each core for even the smallest product, and lets
# it spin: the reader's scores of a turn took 67 ms of CPU with two threads, and 7 ms with one
# (2026-11-29, two shared AVX2 cores).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
