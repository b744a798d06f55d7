# One image for Airflow's services and watch: the project with its locked environment.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PATH=/opt/venv/bin:$PATH PYTHONPATH=/opt/caf

RUN useradd --uid 10001 --create-home --shell /usr/sbin/nologin caf \
    && mkdir -p /opt/caf /var/lib/caf \
    && chown caf:caf /opt/caf /var/lib/caf

WORKDIR /opt/caf
COPY requirements.lock ./
RUN python -m venv /opt/venv \
    && pip install --no-cache-dir --require-hashes --only-binary :all: --requirement requirements.lock

COPY --chown=caf:caf . .

USER caf
VOLUME /var/lib/caf
ENTRYPOINT ["python", "-m", "streams.cli"]
CMD ["--help"]
