# SPDX-License-Identifier: GPL-2.0
#
# What both halves of the guest's start-up share. Sourced by a busybox shell.
#
# Serial ports, so that nothing depends on the drivers under test: ttyS0 is the kernel's console,
# ttyS1 and ttyS2 carry the command's output (or ttyS1 a shell), ttyS3 talks to the host in lines.

RVIRTIO=/run/rvirtio
PATH=$RVIRTIO/bin

# open_ports: fd 7, 8, 9 are ttyS1, ttyS2, ttyS3. They stay open across exec, for a closed port
# forgets what the host sent meanwhile.
open_ports() {
	exec 7<>/dev/ttyS1 8<>/dev/ttyS2 9<>/dev/ttyS3
	for port in 1 2 3; do
		# raw does not touch echo in every stty.
		stty -F /dev/ttyS$port raw -echo clocal -hupcl
	done
}

# say WORD...: one line to the host.
say() {
	echo "$*" >&9
}

# stage NAME: what is done next, for the host and the kernel's log.
stage() {
	say stage "$1"
	echo "guest: $1" >/dev/kmsg
}

# drain N: returns when the host has all that was written to ttySN. Every stty waits for that
# before it changes a port.
drain() {
	stty -F /dev/ttyS"$1" raw -echo
}

# stop: powers off. What was written must have been synced.
stop() {
	drain 3
	poweroff -n -f
}

# fail TEXT...: the guest cannot do what was asked.
fail() {
	say fail "$*"
	stop
}
