#!/bin/sh
# Installs what the test cluster and the browser tests take from Debian, where something is missing. Needs root; changes nothing otherwise.
set -eu

missing=
need() {
  [ -e "$1" ] || command -v "$1" >/dev/null || missing="$missing $2"
}

PATH=$PATH:/usr/sbin:/sbin
need containerd containerd
need runc runc
need dockerd docker.io
need /usr/lib/cni/bridge containernetworking-plugins
need buildah buildah
need debootstrap debootstrap
need /usr/share/keyrings/debian-archive-keyring.gpg debian-archive-keyring
need ip iproute2
need nsenter util-linux
need mount mount
need mkfs.ext4 e2fsprogs
need docker-registry docker-registry
need htpasswd apache2-utils
need qemu-aarch64 qemu-user
need chromium chromium
need promtool prometheus
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "As root, install:$missing" >&2
  exit 1
fi
echo "Installing:$missing" >&2
# The tests start their own processes: no package starts a service of this machine.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  trap 'exit 1' INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod +x "$policy"
fi
apt-get update -q >&2
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing >&2
