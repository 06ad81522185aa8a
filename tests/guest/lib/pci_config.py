#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""pci_config.py BDF msix-mask|msix-unmask|master-off: changes the configuration of a PCI function.

Behind the back of its driver, so that interrupts or notifications are lost.
"""

import os
import struct
import sys

COMMAND, COMMAND_MASTER = 4, 4
CAPABILITIES = 0x34
CAP_MSIX, MSIX_CONTROL, MSIX_MASK_ALL = 0x11, 2, 0x4000


class Config:
    def __init__(self, bdf):
        self.fd = os.open(f"/sys/bus/pci/devices/{bdf}/config", os.O_RDWR)

    def read(self, offset, format):
        data = os.pread(self.fd, struct.calcsize(format), offset)
        return struct.unpack(format, data)[0]

    def change16(self, offset, clear, set):
        value = self.read(offset, "<H") & ~clear | set
        os.pwrite(self.fd, struct.pack("<H", value), offset)

    def capability(self, id):
        at = self.read(CAPABILITIES, "<B")
        while at:
            if self.read(at, "<B") == id:
                return at
            at = self.read(at + 1, "<B")
        sys.exit(f"the function has no capability {id:#x}")


def main():
    config = Config(sys.argv[1])
    match sys.argv[2]:
        case "msix-mask":
            config.change16(config.capability(CAP_MSIX) + MSIX_CONTROL, 0, MSIX_MASK_ALL)
        case "msix-unmask":
            config.change16(config.capability(CAP_MSIX) + MSIX_CONTROL, MSIX_MASK_ALL, 0)
        case "master-off":
            config.change16(COMMAND, COMMAND_MASTER, 0)
        case other:
            sys.exit(f"unknown change: {other}")


main()
