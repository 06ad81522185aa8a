# SPDX-License-Identifier: GPL-2.0
#
# What hash the stack is told of received frames.
#
# nethash.py near|far NEAR FAR FLOW=FIELDS...: has the other interface send frames of each FLOW, short ones and
# long ones; fails unless their hash is that of FIELDS (ports, addresses or none), with the key that is set.
# NEAR is here, and FAR in the network namespace "peer".

import os
import socket
import struct
import sys

# Key, addresses, ports and hashes of the test suite that the inventors of the hash have published.
KEY = bytes.fromhex("6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa")
V4 = (socket.AF_INET, "66.9.149.187", "161.142.100.80", 0x323E8FC2, 0x51CCC178)
V6 = (socket.AF_INET6, "3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 0x2CC18CD5, 0x40207D3D)
PORTS = struct.pack(">HH", 2794, 1766)
TCP, UDP, OTHER = 6, 17, 253
FLOWS = {"tcp4": (V4, TCP), "udp4": (V4, UDP), "ip4": (V4, OTHER), "tcp6": (V6, TCP), "udp6": (V6, UDP)}
FLOWS["ip6"] = (V6, OTHER)

SO_ATTACH_FILTER = 26
LOAD_HASH, IF_EQUAL, RETURN = 0x20, 0x15, 0x06
# SKF_AD_OFF + SKF_AD_RXHASH
HASH = (-0x1000 + 32) & 0xFFFFFFFF


def fail(text):
    sys.exit(text)


def toeplitz(data):
    key, hash_ = int.from_bytes(KEY, "big"), 0
    for at in range(8 * len(data)):
        if data[at // 8] & 0x80 >> at % 8:
            hash_ ^= key >> 8 * len(KEY) - 32 - at & 0xFFFFFFFF
    return hash_


def enter(namespace):
    with open(namespace) as file:
        os.setns(file.fileno(), os.CLONE_NEWNET)


def packet_socket(interface):
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    raw.bind((interface, 0))
    raw.settimeout(20)
    return raw


def only_with_hash(raw, hash_):
    """Has a socket get frames with this hash only."""
    import ctypes

    code = struct.pack("HBBI", LOAD_HASH, 0, 0, HASH)
    code += struct.pack("HBBI", IF_EQUAL, 0, 1, hash_)
    code += struct.pack("HBBI", RETURN, 0, 0, 0xFFFF) + struct.pack("HBBI", RETURN, 0, 0, 0)
    memory = ctypes.create_string_buffer(code)
    raw.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 4, ctypes.addressof(memory)))


def checksum(header):
    """A bridge of the host's drops IPv4 without it."""
    return ~(sum(struct.unpack(f">{len(header) // 2}H", header)) % 0xFFFF) & 0xFFFF


def frame(source, target, flow, length):
    (family, near, far, _, _), protocol = FLOWS[flow]
    addresses = socket.inet_pton(family, near) + socket.inet_pton(family, far)
    if protocol == TCP:
        payload = PORTS + struct.pack(">IIBBHHH", 1, 1, 0x50, 0x10, 64, 0, 0)
    else:
        payload = PORTS + struct.pack(">HH", 8 + length, 0)
    payload += bytes(length)
    if family == socket.AF_INET:
        start = struct.pack(">BBHHHBB", 0x45, 0, 20 + len(payload), 1, 0, 64, protocol)
        packet = b"\x08\x00" + start + checksum(start + addresses).to_bytes(2, "big")
    else:
        packet = b"\x86\xdd" + struct.pack(">IHBB", 0x60000000, len(payload), protocol, 64)
    return target + source + packet + addresses + payload


def receive(raw, expected):
    """Waits for a frame with the hash that the filter has: others of the stack's may have it, too."""
    while True:
        found = raw.recv(65536)
        if found[: len(expected)] == expected:
            return


def main():
    side, near, far, *wishes = sys.argv[1:]
    for _, source, target, of_addresses, of_ports in (V4, V6):
        family = socket.AF_INET6 if ":" in source else socket.AF_INET
        data = socket.inet_pton(family, source) + socket.inet_pton(family, target)
        assert (toeplitz(data), toeplitz(data + PORTS)) == (of_addresses, of_ports)
    here = packet_socket(near)
    enter("/run/netns/peer")
    there = packet_socket(far)
    receiver, sender = (here, there) if side == "near" else (there, here)
    source, target = sender.getsockname()[4], receiver.getsockname()[4]
    for wish in wishes:
        flow, fields = wish.split("=")
        _, _, _, of_addresses, of_ports = FLOWS[flow][0]
        hash_ = {"none": 0, "addresses": of_addresses, "ports": of_ports}[fields]
        only_with_hash(receiver, hash_)
        for length in (6, 300, 1400):
            sent = frame(source, target, flow, length)
            sender.send(sent)
            try:
                receive(receiver, sent)
            except TimeoutError:
                fail(f"{side}: {flow} with {length} bytes has not the hash {hash_:#x} of {fields}")


main()
