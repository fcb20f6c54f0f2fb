# Bases for the product's Dockerfile, where no registry has to be reached: Debian and the Node.js of this checkout.
FROM scratch AS base
ADD rootfs.tar /
COPY --from=node node /usr/local/bin/node

FROM base AS build-base
COPY --from=npm / /usr/local/lib/node_modules/npm/
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
COPY certificates.pem /etc/ssl/certs/extra.pem
# Empty where the machine trusts no other certificates than Node.js does.
ARG NODE_EXTRA_CA_CERTS
ENV NODE_EXTRA_CA_CERTS=${NODE_EXTRA_CA_CERTS}
