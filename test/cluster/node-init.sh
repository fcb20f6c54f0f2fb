#!/bin/sh
# The first process of a node, in mount and pid namespaces of its own: what runtimes and kubelets have at fixed paths
# is this node's alone, every mount ends with the namespace, and every process of the node ends with this one.
#
# node-init.sh DIRECTORY PROGRAM [SIZE]
#   DIRECTORY  of the node; a file images.ext4 in it is the filesystem for images
#   PROGRAM    waits and reaps
#   SIZE       of a filesystem just for images, as mount(8) takes it for tmpfs; without it they are in DIRECTORY
set -eu
directory=$1 program=$2 size=$3

own() {
  mkdir -p "$directory/$1" "$2"
  mount --bind "$directory/$1" "$2"
}

# The kubelet sets these for the whole machine, unless they are so already.
pretend() {
  [ -e "/proc/sys/$(echo "$1" | tr . /)" ] || return 0
  mkdir -p "$directory/sysctl"
  echo "$2" >"$directory/sysctl/$1"
  mount --bind "$directory/sysctl/$1" "/proc/sys/$(echo "$1" | tr . /)"
}

mkdir -p "$directory/containerd"
[ -z "$size" ] || mount -t tmpfs -o "size=$size" images "$directory/containerd"
[ ! -e "$directory/images.ext4" ] || mount -o loop "$directory/images.ext4" "$directory/containerd"
own containerd /var/lib/containerd
own kubelet /var/lib/kubelet
own log/pods /var/log/pods
own log/containers /var/log/containers
own run /run
pretend vm.overcommit_memory 1
pretend vm.panic_on_oom 0
pretend kernel.panic 10
pretend kernel.panic_on_oops 1
pretend kernel.keys.root_maxkeys 1000000
pretend kernel.keys.root_maxbytes 25000000

# The kubelet passes mounts on to containers, as in a namespace that no other is made of.
mount --make-rshared /
touch "$directory/mounted"
exec "$program" pause
