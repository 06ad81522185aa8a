#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""own.py BDF LINE...: tells a device of our own what to do, or asks it, and prints its answers.

own.py find NAME: prints the BDF of the device of that name.

It listens and answers in its configuration space, letter by letter, also when nothing else answers there.
"""

import glob
import os
import sys

# The registers of the mailbox.
IN, OUT = 0xF4, 0xF5
# The capability that they are in.
CAPABILITY, HEAD = 0xF0, b"\x09\0\x08\xee"


def ask(config, line):
    for letter in line.encode() + b"\n":
        os.pwrite(config, bytes([letter]), IN)
    answer = bytearray()
    while letter := os.pread(config, 1, OUT)[0]:
        answer.append(letter)
    return answer.decode()


def find(name):
    for path in sorted(glob.glob("/sys/bus/pci/devices/*/config")):
        config = os.open(path, os.O_RDWR)
        if os.pread(config, 4, CAPABILITY) == HEAD and ask(config, "name") == name:
            return path.split("/")[-2]
        os.close(config)
    sys.exit(f"no device is called {name}")


def main():
    if sys.argv[1] == "find":
        print(find(sys.argv[2]))
        return
    config = os.open(f"/sys/bus/pci/devices/{sys.argv[1]}/config", os.O_RDWR)
    for line in sys.argv[2:]:
        answer = ask(config, line)
        if answer.startswith("error:"):
            sys.exit(f"{line}: {answer}")
        print(answer)


main()
