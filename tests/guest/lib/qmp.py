#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""qmp.py COMMAND [ARGUMENTS]: has QEMU do something to the guest that this runs in.

QEMU's monitor is behind a PCI serial port. Prints the answer; exits 1 when QEMU refuses.
"""

import glob
import json
import os
import select
import sys
import termios
import time
import tty

# Seconds to wait for an answer.
PATIENCE = 30


def port():
    """The serial port that is a PCI device; the others belong to the test runner."""
    for device in glob.glob("/sys/class/tty/ttyS*"):
        if "/pci" in os.path.realpath(device + "/device") and "/pnp" not in os.path.realpath(device + "/device"):
            return "/dev/" + os.path.basename(device)
    sys.exit("this guest has no monitor port: its test has to ask for qmp")


class Monitor:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.fd, termios.TCSANOW)
        self.rest = b""
        # Until then the terminal echoed what QEMU said: this byte makes its parser start anew.
        os.write(self.fd, b"\xff")

    def line(self, seconds):
        """The next line, or None when there is none in that time."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self.rest:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                return None
            self.rest += os.read(self.fd, 4096)
        line, self.rest = self.rest.split(b"\n", 1)
        return line

    def execute(self, command, arguments=None):
        """Sends a command, returns its answer; events in between are dropped."""
        message = {"execute": command, "id": command}
        if arguments:
            message["arguments"] = arguments
        os.write(self.fd, json.dumps(message).encode() + b"\n")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            line = self.line(1)
            if not line or not line.strip():
                continue
            try:
                answer = json.loads(line)
            except ValueError:
                # The rest of what was said before the port was opened.
                continue
            if answer.get("id") == command:
                return answer
        sys.exit(f"QEMU did not answer {command} within {PATIENCE} s")


def main():
    command = sys.argv[1]
    arguments = json.loads(sys.argv[2]) if len(sys.argv) > 2 else None
    monitor = Monitor(port())
    # Once in the life of the guest; later QEMU says that it is done already.
    monitor.execute("qmp_capabilities")
    answer = monitor.execute(command, arguments)
    print(json.dumps(answer.get("return", answer.get("error"))))
    sys.exit("error" in answer)


main()
