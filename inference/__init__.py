"""The models: fetch, encode, score, serve. A plain library that knows nothing of Django."""

import os

# ONNX Runtime 1.29 and later reports its usage to its maker unless this is set (Privacy.md in its
# repository). It reads the variable once, when it is loaded: set it before any module loads it.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
