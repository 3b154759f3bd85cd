"""A GGUF file as the Hugging Face folder that vLLM wants: prepare_model.py FILE.gguf FOLDER.

In vLLM's environment. The weights are unpacked to bfloat16: about 2 bytes a parameter on the disk.
"""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Any


def prepare(source: Path, folder: Path) -> None:
    """Written aside and moved into place, so that what is there is whole."""
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
    parser.add_argument("folder", type=Path, help="where the Hugging Face folder is made")
    options = parser.parse_args()
    if not options.source.is_file():
        sys.exit(f"{options.source} is no file; manage.py models list says where the models lie.")
    prepare(options.source, options.folder)
    print(f"{options.folder} is ready for vLLM.")


if __name__ == "__main__":
    main()
