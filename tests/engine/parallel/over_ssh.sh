#!/bin/bash
# Trains by two workers on what looks like two machines: two network namespaces, each with an ssh server of its own.
# It needs root, iproute2 and openssh-server, is run by hand, and ends with the exit status of the training.
# Usage: over_ssh.sh FOLDER [words of lhrcnn train]
# With CUT=SECONDS in the environment the second machine loses its network after so many seconds.
set -e
folder=$(realpath -m "$1"); shift
rm -rf "$folder/ssh"
mkdir -p "$folder/ssh" /run/sshd
ssh-keygen -q -t ed25519 -N '' -f "$folder/ssh/key"
cat > "$folder/ssh/sshd_config" <<END
HostKey $folder/ssh/key
AuthorizedKeysFile $folder/ssh/key.pub
PidFile none
StrictModes no
END

leave() {
    for side in a b; do
        ip netns pids lhrcnn_$side | xargs -r kill
        ip netns del lhrcnn_$side
    done
    ip link del lhrcnn
}
trap leave EXIT
ip link add lhrcnn type bridge
ip addr add 10.77.0.254/24 dev lhrcnn
ip link set lhrcnn up
: > "$folder/hosts"
for side in a b; do
    ip netns add lhrcnn_$side
    ip link add lhrcnn_$side type veth peer name line netns lhrcnn_$side
    ip link set lhrcnn_$side master lhrcnn up
    address=10.77.0.$([ $side = a ] && echo 1 || echo 2)
    ip -n lhrcnn_$side addr add $address/24 dev line
    ip -n lhrcnn_$side link set line up
    ip -n lhrcnn_$side link set lo up
    ip netns exec lhrcnn_$side /usr/sbin/sshd -f "$folder/ssh/sshd_config"
    echo $address >> "$folder/hosts"
done
if [ -n "$CUT" ]; then
    (sleep "$CUT"; date; echo "the second machine loses its network"; ip link set lhrcnn_b down) &
fi
options="-i $folder/ssh/key -o BatchMode=yes -o UserKnownHostsFile=$folder/ssh/known -o StrictHostKeyChecking=accept-new"
cd "$(dirname "$0")/../../.."
status=0
.venv/bin/lhrcnn launch -n 2 --hosts "$folder/hosts" --ssh "ssh $options {host}" -- \
    train --cfg shapes_s --cpu --out "$folder/run" "${@:-TRAIN.end_epoch=1}" || status=$?
date
exit $status
