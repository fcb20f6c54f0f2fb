#!/bin/sh
# The first process of a Docker Engine, in mount and pid namespaces of its own: what it has at its usual paths is its own
# alone, every mount ends with the namespace, and every process of it and its containers ends with this one.
#
# docker-init.sh DIRECTORY PROGRAM
#   DIRECTORY  of the engine; a file images.ext4 in it is the filesystem for images
#   PROGRAM    waits and reaps
set -eu
directory=$1 program=$2

own() {
  mkdir -p "$directory/$1" "$2"
  mount --bind "$directory/$1" "$2"
}

mkdir -p "$directory/docker"
[ ! -e "$directory/images.ext4" ] || mount -o loop "$directory/images.ext4" "$directory/docker"
own docker /var/lib/docker
own run /run
touch "$directory/mounted"
exec "$program" pause
