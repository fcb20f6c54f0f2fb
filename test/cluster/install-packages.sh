#!/bin/sh
# Installs what the test cluster takes from Debian, where something is missing. Needs root; changes nothing otherwise.
set -eu

missing=
need() {
  [ -e "$1" ] || command -v "$1" >/dev/null || missing="$missing $2"
}

PATH=$PATH:/usr/sbin:/sbin
need containerd containerd
need runc runc
need /usr/lib/cni/bridge containernetworking-plugins
need buildah buildah
need debootstrap debootstrap
need ip iproute2
need nsenter util-linux
need mount mount
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "As root, install:$missing" >&2
  exit 1
fi
echo "Installing:$missing" >&2
apt-get update -q >&2
# The cluster runs its own daemons: RUNLEVEL=1 keeps the packages from starting theirs.
# shellcheck disable=SC2086
RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing >&2
