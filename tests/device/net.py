# SPDX-License-Identifier: GPL-2.0
#
# A network device that does what the guest tells it to, right or wrong: a back end of QEMU
# (vhost-user) for tests of what a driver does with a device that it must not trust.
#
# net.py SOCKET: serves one QEMU that connects to the socket.
#
# A frame of type 0x88b6 that the guest sends holds a list of commands, as JSON:
#
# {"receive": [[HEX, FILL, USED], ...]}: uses so many receive buffers at once. HEX is written to each,
#     FILL bytes of a pattern after it; USED is the length that the driver is told.
# {"answer": {...}}: sends the object back, in a frame of type 0x88b7.
# {"sent": N}: sends back what the last N other frames were: the header, the lengths of the buffers,
#     and a checksum of the frame.
# {"features": true}: sends back the features that were negotiated.
#
# Queues are split rings; buffers can be in indirect tables.

import array
import json
import mmap
import os
import select
import socket
import struct
import sys
import zlib

HEADER = 12
COMMAND, ANSWER = 0x88B6, 0x88B7
PATTERN = bytes(range(1, 252)) * 300

# Everything that a driver may want; QEMU takes away what its device was not given.
FEATURES = [0, 1, 3, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 27, 28, 32]
FEATURES += [54, 55, 56, 59]

GET_FEATURES, SET_FEATURES, SET_MEM_TABLE = 1, 2, 5
SET_VRING_NUM, SET_VRING_ADDR, SET_VRING_BASE, GET_VRING_BASE = 8, 9, 10, 11
SET_VRING_KICK, SET_VRING_CALL = 12, 13
VERSION, REPLY = 1, 4
NO_FD = 1 << 8

DESC_NEXT, DESC_WRITE, DESC_INDIRECT = 1, 2, 4


class Memory:
    """The guest's memory, by its own addresses and by those of QEMU."""

    def __init__(self, table, files):
        count, _ = struct.unpack_from("<II", table)
        self.regions = []
        for index, file in zip(range(count), files):
            guest, size, user, offset = struct.unpack_from("<QQQQ", table, 8 + 32 * index)
            view = memoryview(mmap.mmap(file, size + offset))[offset:]
            os.close(file)
            self.regions.append((guest, user, size, view))

    def at(self, address, length):
        return self.find(0, address, length)

    def of_qemu(self, address, length):
        return self.find(1, address, length)

    def find(self, kind, address, length):
        for region in self.regions:
            start = address - region[kind]
            if 0 <= start and start + length <= region[2]:
                return region[3][start : start + length]
        sys.exit(f"the guest has no {length} bytes at {address:#x}")


class Queue:
    def __init__(self):
        self.size = self.base = 0
        self.used_at = 0
        self.addresses = None
        self.kick = self.call = None

    def start(self, memory):
        desc, used, available = self.addresses
        self.desc = memory.of_qemu(desc, 16 * self.size)
        self.available = memory.of_qemu(available, 4 + 2 * self.size).cast("H")
        self.used = memory.of_qemu(used, 4 + 8 * self.size)
        self.used_at = self.base

    def stop(self):
        if self.kick is not None:
            os.close(self.kick)
        self.kick = None

    def next(self, memory):
        """The next buffer that the driver has made available: its number and its parts."""
        if self.available[1] == self.base:
            return None
        head = self.available[2 + self.base % self.size]
        self.base = (self.base + 1) & 0xFFFF
        parts, table, index = [], self.desc, head
        while True:
            address, length, flags, following = struct.unpack_from("<QIHH", table, 16 * index)
            if flags & DESC_INDIRECT:
                table, index = memory.at(address, length), 0
                continue
            parts.append(memory.at(address, length))
            if not flags & DESC_NEXT:
                return head, parts
            index = following

    def give_back(self, buffers):
        """The driver sees all of them at once."""
        at = self.used_at
        for number, length in buffers:
            struct.pack_into("<II", self.used, 4 + 8 * (at % self.size), number, length)
            at = (at + 1) & 0xFFFF
        self.used_at = at
        self.used[2:4] = at.to_bytes(2, "little")

    def interrupt(self):
        if self.call is not None:
            os.write(self.call, (1).to_bytes(8, "little"))


class Device:
    def __init__(self):
        self.memory = None
        self.queues = [Queue(), Queue()]
        self.features = 0
        self.sent = []

    def transmit(self):
        receive, transmit = self.queues
        done = False
        while transmit.kick is not None and (buffer := transmit.next(self.memory)):
            number, parts = buffer
            data = b"".join(bytes(part) for part in parts)
            lengths = [len(part) for part in parts]
            transmit.give_back([(number, 0)])
            done = True
            frame = data[HEADER:]
            if int.from_bytes(frame[12:14], "big") == COMMAND:
                transmit.interrupt()
                for command in json.loads(frame[14:].rstrip(b"\0")):
                    self.run(command, frame[6:12])
            else:
                self.sent.append([data[:HEADER].hex(), lengths, zlib.crc32(frame)])
                del self.sent[:-64]
        if done:
            transmit.interrupt()

    def run(self, command, mac):
        for what, value in command.items():
            if what == "receive":
                self.receive([(bytes.fromhex(start) + PATTERN[:fill], used) for start, fill, used in value])
            elif what == "answer":
                self.answer(value, mac)
            elif what == "sent":
                self.answer(self.sent[-value:], mac)
            elif what == "features":
                self.answer(self.features, mac)

    def answer(self, value, mac):
        frame = mac + mac + ANSWER.to_bytes(2, "big") + json.dumps(value).encode()
        header = bytes(10) + b"\1\0"
        self.receive([(header + frame, HEADER + len(frame))])

    def receive(self, buffers):
        queue = self.queues[0]
        used = []
        for data, length in buffers:
            buffer = queue.next(self.memory)
            if buffer is None:
                print("no receive buffer is available", flush=True)
                break
            number, parts = buffer
            for part in parts:
                count = min(len(part), len(data))
                part[:count] = data[:count]
                data = data[count:]
            used.append((number, length & 0xFFFFFFFF))
        queue.give_back(used)
        queue.interrupt()


def message(link):
    """The next message of QEMU, and the files that came with it."""
    files = array.array("i")
    head, ancillary, _, _ = link.recvmsg(12, socket.CMSG_SPACE(8 * 4))
    if len(head) < 12:
        return None
    for _, _, data in ancillary:
        files.frombytes(data)
    request, flags, size = struct.unpack("<III", head)
    body = link.recv(size, socket.MSG_WAITALL) if size else b""
    return request, body, list(files)


def serve(link):
    device = Device()
    reply = lambda request, body: link.sendall(struct.pack("<III", request, VERSION | REPLY, len(body)) + body)
    while True:
        kicks = {queue.kick: queue for queue in device.queues if queue.kick is not None}
        ready, _, _ = select.select([link, *kicks], [], [])
        for kick in ready:
            if kick is not link:
                os.read(kick, 8)
                if kicks[kick] is device.queues[1]:
                    device.transmit()
        if link not in ready:
            continue
        found = message(link)
        if found is None:
            return
        request, body, files = found
        number = int.from_bytes(body[:4], "little")
        if request == GET_FEATURES:
            reply(request, sum(1 << bit for bit in FEATURES).to_bytes(8, "little"))
        elif request == SET_FEATURES:
            device.features = int.from_bytes(body, "little")
        elif request == SET_MEM_TABLE:
            device.memory = Memory(body, files)
        elif request == SET_VRING_NUM:
            device.queues[number].size = int.from_bytes(body[4:8], "little")
        elif request == SET_VRING_BASE:
            device.queues[number].base = int.from_bytes(body[4:8], "little")
        elif request == SET_VRING_ADDR:
            device.queues[number].addresses = struct.unpack_from("<QQQ", body, 8)
        elif request == GET_VRING_BASE:
            device.queues[number].stop()
            reply(request, struct.pack("<II", number, device.queues[number].base))
        elif request == SET_VRING_KICK:
            queue = device.queues[number & 0xFF]
            queue.stop()
            queue.kick = None if number & NO_FD else files[0]
            queue.start(device.memory)
        elif request == SET_VRING_CALL:
            queue = device.queues[number & 0xFF]
            if queue.call is not None:
                os.close(queue.call)
            queue.call = None if number & NO_FD else files[0]


def main():
    path = sys.argv[1]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path + ".new")
    listener.listen()
    # Who waits for the socket can connect.
    os.rename(path + ".new", path)
    link, _ = listener.accept()
    serve(link)


main()
