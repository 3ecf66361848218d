#!/bin/bash
# Trains by two workers in two network namespaces, which stand for two machines: `ip netns exec` takes the place of ssh.
# It needs root and iproute2, is run by hand, and ends with the exit status of the training.
# Usage: two_namespaces.sh FOLDER [words of lhrcnn train]
set -e
folder=$(realpath -m "$1"); shift
mkdir -p "$folder"
ip netns add lhrcnn_a
ip netns add lhrcnn_b
trap 'ip netns del lhrcnn_a; ip netns del lhrcnn_b' EXIT
ip link add lhrcnn_a type veth peer name lhrcnn_b
for side in a b; do
    ip link set lhrcnn_$side netns lhrcnn_$side
    ip -n lhrcnn_$side link set lhrcnn_$side up
    ip -n lhrcnn_$side link set lo up
done
ip -n lhrcnn_a addr add 10.77.0.1/24 dev lhrcnn_a
ip -n lhrcnn_b addr add 10.77.0.2/24 dev lhrcnn_b
printf 'lhrcnn_a 10.77.0.1\nlhrcnn_b 10.77.0.2\n' > "$folder/hosts"
"$(dirname "$0")/../../../.venv/bin/lhrcnn" launch -n 2 --hosts "$folder/hosts" --ssh "ip netns exec {host} sh -c" -- \
    train --cfg shapes_s --cpu --out "$folder/run" "${@:-TRAIN.end_epoch=1}"
