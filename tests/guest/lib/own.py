#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""own.py BDF LINE...: tells a disk of our own what to do, or asks it, and prints its answers.

It listens and answers in its configuration space, letter by letter, also when nothing else answers there.
"""

import os
import sys

# The registers of the mailbox.
IN, OUT = 0xF4, 0xF5


def ask(config, line):
    for letter in line.encode() + b"\n":
        os.pwrite(config, bytes([letter]), IN)
    answer = bytearray()
    while letter := os.pread(config, 1, OUT)[0]:
        answer.append(letter)
    return answer.decode()


def main():
    config = os.open(f"/sys/bus/pci/devices/{sys.argv[1]}/config", os.O_RDWR)
    for line in sys.argv[2:]:
        answer = ask(config, line)
        if answer.startswith("error:"):
            sys.exit(f"{line}: {answer}")
        print(answer)


main()
