# A worker of Dailies; another command line also works. Installs only locked packages: `docker build -t dailies .`
FROM python:3.11-slim-bookworm

ENV PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PYTHONUNBUFFERED=1 \
    PREFECT_SERVER_ANALYTICS_ENABLED=false \
    DO_NOT_TRACK=1 \
    DAILIES_DATA_DIR=/data

RUN useradd --create-home --uid 1000 dailies \
    && install --directory --owner dailies --group dailies /data
WORKDIR /app

# The packages first, because they change less often than the code.
COPY requirements.lock ./
RUN pip install --require-hashes --requirement requirements.lock

COPY pyproject.toml README.md LICENSE prefect.yaml ./
COPY cli ./cli
COPY dailies ./dailies
COPY flows ./flows
COPY tasks ./tasks
RUN pip install --no-deps --no-build-isolation --editable .

USER dailies
VOLUME /data
CMD ["prefect", "worker", "start", "--pool", "dailies"]
