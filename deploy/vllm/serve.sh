#!/usr/bin/env bash
# Starts vLLM with the settings that Attune relies on: serve.sh MODEL_FOLDER [OPTION …]
# Further options go to `vllm serve`. If VLLM_API_KEY is set (or VLLM_API_KEY_FILE names a file that
# holds it), every client must send that key.
set -euo pipefail

model=${1:?serve.sh MODEL_FOLDER: name the model\'s Hugging Face folder}
shift
if [[ -n ${VLLM_API_KEY_FILE:-} ]]; then
  VLLM_API_KEY=$(<"$VLLM_API_KEY_FILE")
  export VLLM_API_KEY
fi
bin=${VLLM_ENV:+$VLLM_ENV/bin/}

# Nothing leaves the machine: no hub, no usage statistics.
export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1
# The most answers per request: Attune asks for one.
export VLLM_MAX_N_SEQUENCES=1

# Without a GPU the model takes every core: the web server, which needs little, gets priority.
[[ -e /dev/nvidiactl ]] || renice -n 5 -p $$ >/dev/null

# --generation-config vllm: Attune's request decides about sampling, not the model's folder.
# --max-num-queued-reqs: beyond these vLLM answers 503 at once, and requests wait in Attune's queue.
# --shutdown-timeout: at SIGTERM, answers that are being written may be finished.
exec "${bin}vllm" serve "$model" \
  --served-model-name "${SLM_NAME:-slm}" \
  --host "${VLLM_HOST:-127.0.0.1}" \
  --port "${VLLM_PORT:-8100}" \
  --max-model-len "${MAX_MODEL_LEN:-4096}" \
  --dtype bfloat16 \
  --enable-prefix-caching \
  --generation-config vllm \
  --max-num-queued-reqs "${MAX_QUEUED:-64}" \
  --shutdown-timeout 30 \
  "$@"
