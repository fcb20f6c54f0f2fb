# The image of scheduler and cleaner.
#
#   docker build -t nodesweep .
#   docker buildx build --platform linux/amd64,linux/arm64 -t nodesweep .
#
# Both bases can be others with a Node 24 (BASE needs nothing else; BUILD_BASE also npm, tar and sha256sum).
# A crictl from elsewhere is put in with --build-context crictl=DIRECTORY, which holds the executable `crictl`.
ARG BUILD_BASE=node:24-trixie-slim
ARG BASE=node:24-trixie-slim

# Runs on the builder's own platform: the bundle is the same for all.
FROM --platform=${BUILDPLATFORM} ${BUILD_BASE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build
# As it will lie in the image: `package.json` tells node that these are modules.
WORKDIR /image/usr/local/lib/nodesweep
RUN mv /src/dist /src/package.json /src/LICENSE . \
    && mkdir ../../bin \
    && ln -s ../lib/nodesweep/dist/main.js ../../bin/nodesweep

# Takes crictl from its release and checks it. Nothing but /crictl is used of this stage.
FROM --platform=${BUILDPLATFORM} ${BUILD_BASE} AS crictl
ARG CRICTL_RELEASE=https://github.com/kubernetes-sigs/cri-tools/releases/download/v1.35.0
WORKDIR /archives
ADD ${CRICTL_RELEASE}/crictl-v1.35.0-linux-amd64.tar.gz ${CRICTL_RELEASE}/crictl-v1.35.0-linux-arm64.tar.gz ./
RUN printf '%s  %s\n' \
      2e141e5b22cb189c40365a11807d69b76b9b3caced89fac2f4ec879408ce2177 crictl-v1.35.0-linux-amd64.tar.gz \
      519071de89b64c43e2a1661bb5489c6c3fd5e9e5fcef75e50e542b0c891f1118 crictl-v1.35.0-linux-arm64.tar.gz \
    | sha256sum --check --strict
ARG TARGETARCH
RUN tar -xzf crictl-v1.35.0-linux-${TARGETARCH}.tar.gz -C / crictl

FROM ${BASE}
LABEL org.opencontainers.image.title="nodesweep" \
      org.opencontainers.image.description="Removes the container images nothing uses from Kubernetes nodes, on a cron schedule." \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=crictl /crictl /usr/local/bin/crictl
COPY --from=build /image /
# Enough for everything but cleaning: a runtime's socket belongs to root and nobody else may use it (mode 0660), so the
# cleaner pods ask for user 0 themselves, without any capability.
USER 65532:65532
# A small young generation and one arena for what is not V8's save the cleaner a quarter of its memory on a full node.
ENV NODE_OPTIONS=--max-semi-space-size=2 \
    MALLOC_ARENA_MAX=1
ENTRYPOINT ["nodesweep"]
