# The image of the scheduler and the cleaner.
#
#   docker build -t nodesweep .
#   docker buildx build --platform linux/amd64,linux/arm64 -t nodesweep .
#
# Both bases can be other images with Node 24 (BUILD_BASE also needs npm, tar and sha256sum). To use another crictl, pass
# --build-context crictl=DIRECTORY with a directory that contains the executable `crictl`.
ARG BUILD_BASE=node:24-trixie-slim
ARG BASE=node:24-trixie-slim

# Runs on the platform of the builder, because the bundle is the same for all platforms.
FROM --platform=${BUILDPLATFORM} ${BUILD_BASE} AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN npm run build
# The layout of the image. `package.json` declares the files as modules.
WORKDIR /image/usr/local/lib/nodesweep
RUN mv /src/dist /src/package.json /src/LICENSE . \
    && mkdir ../../bin \
    && ln -s ../lib/nodesweep/dist/main.js ../../bin/nodesweep

# Downloads crictl from its release and checks it. Only /crictl of this stage is used.
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
      org.opencontainers.image.description="Removes unused container images from Kubernetes nodes, and keeps listed images there, on a cron schedule." \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=crictl /crictl /usr/local/bin/crictl
COPY --from=build /image /
# The user for all commands except cleaning. The socket of a runtime belongs to root (mode 0660), so the cleaner pods set
# user 0 themselves, without any capability.
USER 65532:65532
# A small young generation of V8 and a single malloc arena save a quarter of the cleaner's memory on a full node.
ENV NODE_OPTIONS=--max-semi-space-size=2 \
    MALLOC_ARENA_MAX=1
ENTRYPOINT ["nodesweep"]
