"""NumPy computes small products on the thread that asks for them."""

import subprocess
import sys

import pytest

COUNT = """
import inference, numpy
from threadpoolctl import threadpool_info
print(*[one["num_threads"] for one in threadpool_info() if "numpy" in one["filepath"]])
"""


@pytest.mark.slow
def test_numpy_wakes_no_other_thread() -> None:
    done = subprocess.run([sys.executable, "-c", COUNT], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"]
