"""Turns a GGUF file into a folder that vLLM can load: prepare_model.py FILE.gguf FOLDER.

Run it in vLLM's environment. The weights are unpacked to bfloat16: about 2 bytes per parameter on
disk.
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any


def prepare(source: Path, folder: Path) -> None:
    """Write a draft and move it into place, so that the folder is never incomplete."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    where: dict[str, Any] = {"gguf_file": source.name}
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    model = AutoModelForCausalLM.from_pretrained(
        source.parent,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.bfloat16,
        **where,
    )
    model.save_pretrained(draft)
    AutoTokenizer.from_pretrained(source.parent, **where).save_pretrained(draft)
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="a GGUF file")
    parser.add_argument("folder", type=Path, help="the Hugging Face folder to create")
    options = parser.parse_args()
    if not options.source.is_file():
        sys.exit(
            f"{options.source} is not a file; `manage.py models list` shows where the models are."
        )
    prepare(options.source, options.folder)
    print(f"{options.folder} is ready for vLLM.")


if __name__ == "__main__":
    main()
