# SPDX-License-Identifier: GPL-2.0
#
# netdev_genl.py INTERFACE: prints what the kernel tells of it by the netlink family "netdev": features for
# XDP, queues, NAPIs and the names of what is counted for queues. Numbers that are another one each time are
# left out: those of interfaces, of NAPIs and of interrupts.

import socket
import struct
import sys

NLM_REQUEST, NLM_DUMP, DONE, ERROR = 1, 0x301, 3, 2
CONTROL, GET_FAMILY, FAMILY_ID, FAMILY_NAME = 16, 3, 1, 2
# Commands, and what is told by them: the attribute with the interface, and names of others by number.
DEV, QUEUE, NAPI, STATS = 1, 10, 11, 12
KINDS = {
    DEV: ("dev", 1, {3: "xdp-features", 4: "xdp-zc-max-segs", 5: "xdp-rx-metadata", 6: "xsk-features"}),
    QUEUE: ("queue", 2, {1: "id", 3: "type", 4: "napi"}),
    NAPI: ("napi", 1, {2: "id", 3: "irq", 4: "pid", 5: "defer-hard-irqs", 6: "gro-flush-timeout",
                       7: "irq-suspend-timeout", 8: "threaded"}),
    STATS: ("stats", 1, {2: "queue-type", 3: "queue-id"}),
}
ANY = {"napi", "irq", "pid"}


def attribute(kind, data):
    raw = struct.pack("=HH", 4 + len(data), kind) + data
    return raw + bytes(-len(raw) % 4)


def attributes(raw):
    while len(raw) >= 4:
        size, kind = struct.unpack_from("=HH", raw)
        yield kind & 0x3FFF, raw[4:size]
        raw = raw[(size + 3) & ~3 :]


def ask(sock, family, command, flags, data):
    payload = struct.pack("=BBH", command, 1, 0) + data
    sock.send(struct.pack("=IHHII", 16 + len(payload), family, flags, 1, 0) + payload)
    while True:
        raw = sock.recv(1 << 16)
        while raw:
            size, kind, _, _, _ = struct.unpack_from("=IHHII", raw)
            if kind == DONE:
                return
            if kind == ERROR:
                error = -struct.unpack_from("=i", raw, 16)[0]
                if error:
                    yield [(0, struct.pack("=I", error))]
                return
            yield list(attributes(raw[20:size]))
            if not flags & 0x300:
                return
            raw = raw[(size + 3) & ~3 :]


def value(data):
    return int.from_bytes(data, sys.byteorder)


def main(interface):
    index = socket.if_nametoindex(interface)
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
    sock.bind((0, 0))
    name = attribute(FAMILY_NAME, b"netdev\0")
    found = [dict(reply) for reply in ask(sock, CONTROL, GET_FAMILY, NLM_REQUEST, name)]
    family = value(found[0][FAMILY_ID])
    for command, (title, about, names) in KINDS.items():
        data = attribute(about, struct.pack("=I", index))
        if command == STATS:
            # One by one.
            data += attribute(4, struct.pack("=Q", 1))
        lines = []
        for reply in ask(sock, family, command, NLM_DUMP, data if command != DEV else b""):
            its = dict(reply)
            if 0 not in its and value(its.get(about, b"")) != index:
                continue
            words = []
            for kind, data in reply:
                if kind == about:
                    continue
                if kind == 0:
                    words.append(f"error={value(data)}")
                elif kind not in names:
                    words.append(f"{kind}")
                elif names[kind] in ANY or (command == NAPI and names[kind] == "id"):
                    words.append(names[kind])
                else:
                    words.append(f"{names[kind]}={value(data)}")
            lines.append(f"{title} {' '.join(words)}")
        print("\n".join(sorted(lines)))


main(sys.argv[1])
