# Web, worker and beat: one image, three commands. It is built without a network, from a wheelhouse:
#   pip download -r <(sed '/^# export, training/,$d' requirements.txt) -d deploy/wheelhouse
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /build
COPY requirements.txt .
# The packages that serve, without PyTorch and others for training, export and evaluation only.
RUN sed '/^# export, training/,$d' requirements.txt > serving.txt
RUN --mount=type=bind,source=deploy/wheelhouse,target=/wheels \
    python -m venv /opt/attune && \
    /opt/attune/bin/pip install --no-cache-dir --no-index --find-links=/wheels -r serving.txt

FROM python:3.11.14-slim-bookworm
ENV PATH=/opt/attune/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 MALLOC_ARENA_MAX=2
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin attune && \
    install --directory --owner=attune /data
COPY --from=build /opt/attune /opt/attune
COPY manage.py /srv/
COPY deploy/docker/healthy.py /srv/deploy/docker/
COPY chatbot /srv/chatbot
COPY crm /srv/crm
COPY inference /srv/inference
COPY templates /srv/templates
WORKDIR /srv
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python", "deploy/docker/healthy.py"]
CMD ["uvicorn", "chatbot.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--no-proxy-headers", "--no-server-header", \
     "--ws", "websockets-sansio", "--ws-max-size", "65536", "--ws-per-message-deflate", "false", \
     "--limit-concurrency", "5000", "--timeout-graceful-shutdown", "25", "--log-level", "warning"]
