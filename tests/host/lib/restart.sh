# SPDX-License-Identifier: GPL-2.0

# restarts OPTION... -- COMMAND...: whether the guest of tools/vm exec with these arguments ends with a restart,
# and what it has said until then, in the file "out". The restart is not read from the guest's console, which
# lacks the last lines when another CPU was printing as it was stopped: QEMU says it, on a monitor of two files.
restarts() {
	echo '{"execute":"qmp_capabilities"}' >commands
	"$REPO/tools/vm" exec --qemu -chardev --qemu file,id=events,path=events,input-path=commands \
		--qemu -mon --qemu chardev=events,mode=control "$@" >out 2>err
	status=$?
	cat out err
	# 125: the guest ended without saying why; a complaint of the kernel would be 70.
	[ $status -eq 125 ] && grep -q '"SHUTDOWN".*"guest-reset"' events && return
	cat events
	echo "FAIL: no restart"
	return 1
}
