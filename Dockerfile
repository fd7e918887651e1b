# One image for all services and the commands of operators: `docker compose build`.
# The first stage has the build dependencies; the second one has only the runtime dependencies.
ARG PYTHON=python:3.11-slim-bookworm

FROM ${PYTHON} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
# The environment of the services has no pip: the pip of this stage installs into it.
RUN python -m venv /opt/build && python -m venv --without-pip /opt/penchant
COPY deploy/images/build.lock deploy/images/requirements.lock deploy/images/
# The secret `pip` is a pip.conf, for those who reach their package registry through a mirror.
RUN --mount=type=secret,id=pip,target=/etc/pip.conf \
    /opt/build/bin/pip install --require-hashes --requirement deploy/images/build.lock \
    && /opt/build/bin/pip --python /opt/penchant/bin/python install --require-hashes --requirement deploy/images/requirements.lock
COPY pyproject.toml README.md ./
COPY shared shared
COPY services services
COPY deploy deploy
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir wheels . \
    && /opt/build/bin/pip --python /opt/penchant/bin/python install --no-index --no-deps wheels/*.whl \
    && /opt/build/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
        --output-file /opt/penchant/sbom.cdx.json /opt/penchant/bin/python

FROM ${PYTHON}
RUN rm -rf /usr/local/bin/pip* /usr/local/bin/wheel /usr/local/lib/python3.*/site-packages/* \
        "$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')/ensurepip" \
    && groupadd --gid 10001 penchant \
    && useradd --uid 10001 --gid penchant --no-create-home --home-dir /var/lib/penchant --shell /usr/sbin/nologin penchant \
    && mkdir --parents /var/lib/penchant \
        /secrets/console /secrets/delivery /secrets/labeling /secrets/postgres /secrets/segmentation /secrets/tracking /secrets/workflow \
    && chown --recursive penchant:penchant /var/lib/penchant /secrets && chmod --recursive go= /var/lib/penchant /secrets
COPY --from=build /opt/penchant /opt/penchant
ENV PATH=/opt/penchant/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    PENCHANT_HOME=/var/lib/penchant PENCHANT_HOST=0.0.0.0
LABEL org.opencontainers.image.title="Penchant" org.opencontainers.image.licenses="Apache-2.0"
USER 10001:10001
WORKDIR /var/lib/penchant
# The spool of the redirect: clicks that Kafka does not acknowledge in time.
VOLUME /var/lib/penchant
STOPSIGNAL SIGTERM
# PENCHANT_HEALTH_URL names /health/ready of the service that runs in the container.
HEALTHCHECK --interval=10s --timeout=5s --start-period=90s CMD ["python", "-m", "deploy.images.healthy"]
ENTRYPOINT ["python", "-m"]
CMD ["deploy.command_line", "--help"]
