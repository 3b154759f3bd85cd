"""The models: fetch, encode, score, serve. A plain library that knows nothing of Django."""

import os

# Before anything here loads ONNX Runtime, which since 1.29 sends its usage to its maker unless told
# not to (Privacy.md in its repository); it looks once, when it is loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
