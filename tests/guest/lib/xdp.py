# SPDX-License-Identifier: GPL-2.0
#
# Programs for XDP, made of instructions, and what they do to frames of one type:
#
# load: pins them in /sys/fs/bpf.
# verdicts NEAR FAR: each one at NEAR does what it says with frames that FAR, in the network namespace
# "peer", sends; frames of other types pass.
# redirect NEAR FAR: frames that arrive at NEAR go to another interface, and those that arrive there are sent
# by NEAR.
#
# Ends with status 1 and a line that says what was wrong.

import ctypes
import os
import socket
import struct
import subprocess
import sys
import time

from net import WAIT, fail, there

KIND, MARK = b"\x88\xb5", b"\x88\xb7"
DIRECTORY = "/sys/fs/bpf"
PROG_LOAD, OBJ_PIN, TYPE_XDP, HAS_FRAGS = 5, 6, 6, 1 << 5
ABORTED, DROP, PASS, TX = range(4)
REDIRECT, ADJUST_HEAD, ADJUST_META, ADJUST_TAIL = 23, 44, 54, 65
R0, R1, R2, R3, R4, R5, R6, R7, R8 = range(9)


def insn(code, dst=0, src=0, off=0, imm=0):
    return (code, dst, src, off, imm)


def load(size, dst, src, off):
    return insn({1: 0x71, 2: 0x69, 4: 0x61, 8: 0x79}[size], dst, src, off)


def store(size, dst, off, src):
    return insn({2: 0x6B, 4: 0x63, 8: 0x7B}[size], dst, src, off)


def move(dst, imm):
    return insn(0xB7, dst, imm=imm)


def copy(dst, src):
    return insn(0xBF, dst, src)


def add(dst, imm):
    return insn(0x07, dst, imm=imm)


def call(helper):
    return insn(0x85, imm=helper)


EXIT = insn(0x95)
# With a distance of None: to where the frame passes.
NOT_ZERO = insn(0x55, R0, off=None)


def bounds(length):
    """R2 is where the frame starts, of which there are so many bytes."""
    yield from (load(4, R2, R6, 0), load(4, R3, R6, 4), copy(R4, R2), add(R4, length))
    yield insn(0x2D, R4, R3, off=None)


def returns(action):
    return [move(R0, action), EXIT]


def helper(number, by):
    return [copy(R1, R6), move(R2, by), call(number), NOT_ZERO]


SWAP = [load(4, R4, R2, 0), load(2, R5, R2, 4), load(4, R7, R2, 6), load(2, R8, R2, 10)]
SWAP += [store(4, R2, 0, R7), store(2, R2, 4, R8), store(4, R2, 6, R4), store(2, R2, 10, R5)]
# A tag of VLAN 7 after the addresses.
TAG = helper(ADJUST_HEAD, -4) + list(bounds(18))
TAG += [load(8, R4, R2, 4), load(4, R5, R2, 12), store(8, R2, 0, R4), store(4, R2, 8, R5)]
TAG += [insn(0x6A, R2, off=12, imm=0x0081), insn(0x6A, R2, off=14, imm=0x0700)]
META = helper(ADJUST_META, -8)

BODIES = {
    "aborted": returns(ABORTED),
    "drop": returns(DROP),
    "pass": returns(PASS),
    "unknown": returns(77),
    "swap": SWAP + returns(TX),
    "tag": TAG + returns(PASS),
    "meta": META + returns(PASS),
    "cut": helper(ADJUST_TAIL, -10) + returns(PASS),
    "grow": helper(ADJUST_TAIL, 10) + returns(PASS),
    "tagswap": TAG + SWAP + returns(TX),
}


def assemble(body):
    start = [copy(R6, R1), *bounds(14), load(2, R5, R2, 12)]
    start.append(insn(0x55, R5, off=None, imm=int.from_bytes(KIND, "little")))
    insns = [*start, *body]
    target = len(insns)
    insns += returns(PASS)
    code = b""
    for at, (op, dst, src, off, imm) in enumerate(insns):
        off = target - at - 1 if off is None else off
        code += struct.pack("<BBhi", op, dst | src << 4, off, imm)
    return code


libc = ctypes.CDLL(None, use_errno=True)


def bpf(command, attr):
    buffer = ctypes.create_string_buffer(attr.ljust(144, b"\0"), 144)
    return libc.syscall(321, command, buffer, 144)


def pin(name, body, flags=0):
    code = ctypes.create_string_buffer(assemble(body))
    log = ctypes.create_string_buffer(1 << 16)
    text = ctypes.create_string_buffer(b"GPL")
    address = ctypes.addressof
    attr = struct.pack("<IIQQIIQII16s", TYPE_XDP, (len(code) - 1) // 8, address(code), address(text), 1, 1 << 16, address(log), 0, flags, name.encode()[:15])
    program = bpf(PROG_LOAD, attr)
    if program < 0:
        fail(f"{name}: {os.strerror(ctypes.get_errno())}: {log.value.decode()}")
    path = ctypes.create_string_buffer(f"{DIRECTORY}/{name}".encode())
    if bpf(OBJ_PIN, struct.pack("<QI", address(path), program)) < 0:
        fail(f"{name} is not pinned: {os.strerror(ctypes.get_errno())}")
    os.close(program)


def load_all():
    for name, body in BODIES.items():
        pin(name, body)
        pin(f"{name}_frags", body, HAS_FRAGS)


def load_redirects(interfaces):
    for name in interfaces:
        to = [move(R1, socket.if_nametoindex(name)), move(R2, 0), call(REDIRECT), EXIT]
        pin(f"to_{name}", to)


def packet_socket(interface):
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    raw.bind((interface, 0))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
    # PACKET_AUXDATA: tags, which the stack takes out. PACKET_ADD_MEMBERSHIP: frames of all VLANs.
    raw.setsockopt(263, 8, 1)
    raw.setsockopt(263, 1, struct.pack("IHH8s", socket.if_nametoindex(interface), 1, 0, b""))
    raw.settimeout(WAIT)
    return raw


def receive(raw):
    """The next frame that came in, of the types that are sent here."""
    while True:
        frame, ancillary, _, address = raw.recvmsg(1 << 17, 256)
        for _, _, data in ancillary:
            status, _, _, _, _, tag, protocol = struct.unpack("IIIHHHH", data)
            if status & 1 << 4:
                frame = frame[:12] + struct.pack(">HH", protocol, tag) + frame[12:]
        inner = frame[16:18] if frame[12:14] == b"\x81\x00" else frame[12:14]
        if address[2] != socket.PACKET_OUTGOING and inner in (KIND, MARK):
            return frame


def until_mark(raw, mark):
    """The frames that came in before this one."""
    found = []
    while True:
        try:
            frame = receive(raw)
        except TimeoutError:
            fail(f"a frame of another type did not arrive after {len(found)}")
        if frame == mark:
            return found
        found.append(frame)


def counters(interface):
    lines = subprocess.run(["ethtool", "-S", interface], check=True, capture_output=True, text=True).stdout
    pairs = (line.split(": ") for line in lines.splitlines()[1:])
    return {name.strip(): int(value) for name, value in pairs}


def attach(interface, name):
    words = ["off"] if name == "off" else ["pinned", f"{DIRECTORY}/{name}"]
    subprocess.run(["ip", "-force", "link", "set", "dev", interface, "xdpdrv", *words], check=True)


def tagged(frame):
    return frame[:12] + b"\x81\x00\x00\x07" + frame[12:]


def swapped(frame):
    return frame[6:12] + frame[:6] + frame[12:]


class Verdicts:
    def __init__(self, near, far):
        self.near, self.far = near, far
        self.here = packet_socket(near)
        self.peer = there(lambda: packet_socket(far))
        self.near_mac, self.far_mac = self.here.getsockname()[4], self.peer.getsockname()[4]
        with open(f"/sys/class/net/{near}/mtu") as file:
            mtu = int(file.read())
        lengths = (60, 61, 200, 255, 256, 257, 1000, 1513, 1514, 3520, 3521, 3529, 7615, 7616, 7617, 9014)
        self.lengths = [length for length in lengths if length <= 14 + mtu]
        self.number = 0

    def one(self, name, here=None, peer=None, **counted):
        """HERE and PEER say what frames that arrive there are, made of those that are sent."""
        attach(self.near, name)
        before = counters(self.near)
        frames = []
        for _ in range(4):
            for length in self.lengths:
                self.number += 1
                head = self.near_mac + self.far_mac + KIND + self.number.to_bytes(4, "big")
                frames.append(head + bytes((at * self.number) & 0xFF for at in range(length - len(head))))
        self.number += 1
        mark = self.near_mac + self.far_mac + MARK + self.number.to_bytes(4, "big") + bytes(42)
        for first in range(0, len(frames), 16):
            for frame in frames[first : first + 16]:
                self.peer.send(frame)
            time.sleep(0.02)
        self.peer.send(mark)
        self.compare(f"{name}: here", until_mark(self.here, mark), frames, here)
        back = self.near_mac[:0] + self.far_mac + self.near_mac + mark[12:]
        self.here.send(back)
        self.compare(f"{name}: at the peer", until_mark(self.peer, back), frames, peer)
        after = counters(self.near)
        for counter, share in counted.items():
            found = after[counter] - before[counter]
            if found != share * len(frames):
                fail(f"{name}: {counter} has counted {found} of {len(frames)} frames")
        seen = after["rx_xdp_packets"] - before["rx_xdp_packets"]
        if seen < len(frames) + 1:
            fail(f"{name}: rx_xdp_packets has counted {seen} frames")

    def compare(self, what, found, frames, change):
        wanted = [change(frame) for frame in frames] if change else []
        if found != wanted:
            wrong = [index for index, pair in enumerate(zip(found, wanted)) if pair[0] != pair[1]]
            at = wrong[0] if wrong else min(len(found), len(wanted))
            shown = [frame[at][:40].hex() if at < len(frame) else None for frame in (found, wanted)]
            fail(f"{what}: {len(found)} frames arrived, not {len(wanted)}, number {at} is {shown}")

    def run(self):
        same = lambda frame: frame
        none = {"rx_xdp_drops": 0, "rx_xdp_tx": 0}
        # Longer frames are in pieces.
        suffix = "_frags" if self.lengths[-1] > 3520 else ""
        self.one(f"pass{suffix}", here=same, **none)
        self.one(f"meta{suffix}", here=same, **none)
        self.one(f"tag{suffix}", here=tagged, **none)
        self.one(f"cut{suffix}", here=lambda frame: frame[:-10], **none)
        for name in ("drop", "aborted", "unknown"):
            self.one(name + suffix, rx_xdp_drops=1, rx_xdp_tx=0)
        self.one(f"swap{suffix}", peer=swapped, rx_xdp_tx=1, tx_xdp_tx=1, rx_xdp_drops=0)
        self.one(f"tagswap{suffix}", peer=lambda frame: swapped(tagged(frame)), rx_xdp_tx=1, rx_xdp_drops=0)
        if not suffix:
            self.one("grow", here=lambda frame: frame + bytes(10), **none)
        attach(self.near, "off")
        print(f"{self.number} frames of {len(self.lengths)} lengths")


class Redirects:
    """INNER and OUTER are the two ends of a pair of virtual interfaces."""

    def __init__(self, near, far):
        self.near, self.far = near, far
        self.inner, self.outer = "xdp0", "xdp1"
        run("ip", "link", "add", self.inner, "type", "veth", "peer", "name", self.outer)
        for name in (self.inner, self.outer):
            with open(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6", "w") as file:
                file.write("1")
            run("ip", "link", "set", name, "up")
        self.sockets = {name: packet_socket(name) for name in (near, self.inner)}
        self.sockets[far] = there(lambda: packet_socket(far))
        load_redirects([near, self.outer])
        # It takes frames that are redirected to the other end.
        attach(self.inner, "pass")

    def one(self, sender, receiver, counts):
        source = self.sockets[sender].getsockname()[4]
        frames = [source[:5] + b"\x55" + source + KIND + bytes((at * number) & 0xFF for at in range(number * 7 + 46)) for number in range(200)]
        before = counters(self.near)
        for first in range(0, len(frames), 16):
            for frame in frames[first : first + 16]:
                self.sockets[sender].send(frame)
            time.sleep(0.02)
        for number, frame in enumerate(frames):
            try:
                found = receive(self.sockets[receiver])
            except TimeoutError:
                fail(f"from {sender} to {receiver}: {number} of {len(frames)} frames arrived")
            if found != frame:
                fail(f"from {sender} to {receiver}: number {number} is {found[:40].hex()}")
        after = counters(self.near)
        for counter in counts:
            if after[counter] - before[counter] != len(frames):
                fail(f"from {sender} to {receiver}: {counter} has counted {after[counter] - before[counter]}")

    def run(self):
        attach(self.near, f"to_{self.outer}")
        self.one(self.far, self.inner, ["rx_xdp_redirects"])
        attach(self.near, "pass" if DRIVER_IN_C else "off")
        attach(self.outer, f"to_{self.near}")
        self.one(self.inner, self.far, ["tx_xdp_tx"])
        attach(self.near, "off")
        run("ip", "link", "delete", self.inner)
        print("frames were redirected both ways")


def run(*words):
    subprocess.run(words, check=True)


# It sends frames of others only while it has a program of its own.
DRIVER_IN_C = not os.path.exists("/sys/module/rvirtio_net")

if __name__ == "__main__":
    if sys.argv[1] == "load":
        load_all()
    elif sys.argv[1] == "verdicts":
        Verdicts(*sys.argv[2:]).run()
    elif sys.argv[1] == "redirect":
        Redirects(*sys.argv[2:]).run()
    else:
        fail(f"no such command: {sys.argv[1]}")
