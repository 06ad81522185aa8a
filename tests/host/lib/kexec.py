#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""kexec.py KERNEL crash|start INIT: loads a kernel that runs the script INIT, and starts it.

Its initramfs has the drivers that the runner has loaded here, in /load, and their order, a busybox, and the
script as /init. With `crash` it is started by a crash, otherwise by a restart.
"""

import ctypes
import os
import sys

RVIRTIO = "/run/rvirtio"
SYS_KEXEC_FILE_LOAD, SYS_REBOOT = 320, 169
ON_CRASH = 2
MAGIC, MAGIC2, RESTART = 0xFEE1DEAD, 0x28121969, 0x45584543
COMMAND_LINE = b"console=ttyS0 loglevel=4 panic=-1 no_timer_check tsc=nowatchdog"


def entry(name, mode, data=b""):
    """A file of an archive in the format newc."""
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4)


def initramfs(init):
    def read(path):
        with open(path, "rb") as file:
            return file.read()

    files = [entry(name, 0o040755) for name in ("bin", "dev", "load", "proc", "sys")]
    files.append(entry("init", 0o100755, read(init)))
    files.append(entry("bin/busybox", 0o100755, read(f"{RVIRTIO}/bin/busybox")))
    order = read(f"{RVIRTIO}/load.order")
    files.append(entry("load.order", 0o100644, order))
    for module in order.decode().split():
        files.append(entry(f"load/{module}", 0o100644, read(f"{RVIRTIO}/load/{module}")))
    return b"".join(files) + entry("TRAILER!!!", 0)


def check(what, result):
    if result != 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")


def main():
    kernel, why, init = sys.argv[1:]
    archive = os.memfd_create("initramfs")
    os.write(archive, initramfs(init))
    image = os.open(kernel, os.O_RDONLY)
    libc = ctypes.CDLL(None, use_errno=True)
    flags = ON_CRASH if why == "crash" else 0
    line = COMMAND_LINE + b"\0"
    loaded = libc.syscall(SYS_KEXEC_FILE_LOAD, image, archive, ctypes.c_ulong(len(line)), line, ctypes.c_ulong(flags))
    check("the kernel cannot be loaded", loaded)
    os.sync()
    if why == "crash":
        with open("/proc/sysrq-trigger", "w") as trigger:
            trigger.write("c")
    check("the kernel cannot be started", libc.syscall(SYS_REBOOT, MAGIC, MAGIC2, RESTART, 0))


main()
