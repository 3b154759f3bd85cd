# vLLM on an NVIDIA GPU. The container runtime brings the driver; the wheels bring CUDA.
#   pip download -r deploy/vllm/requirements.txt -d deploy/wheelhouse-vllm
FROM python:3.11.14-slim-bookworm
# Triton compiles a launcher for each of its kernels.
# hadolint ignore=DL3008
RUN apt-get update && \
    apt-get install -y --no-install-recommends gcc libc6-dev && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --uid 10001 --create-home --shell /usr/sbin/nologin vllm
COPY deploy/vllm/requirements.txt /tmp/
RUN --mount=type=bind,source=deploy/wheelhouse-vllm,target=/wheels \
    pip install --no-cache-dir --no-index --find-links=/wheels -r /tmp/requirements.txt
COPY deploy/vllm/serve.sh /srv/
USER 10001
ENV VLLM_HOST=0.0.0.0 HOME=/tmp
EXPOSE 8100
HEALTHCHECK --interval=15s --timeout=5s --start-period=300s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8100/health')"]
ENTRYPOINT ["/srv/serve.sh", "/model"]
