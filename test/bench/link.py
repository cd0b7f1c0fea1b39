# SPDX-License-Identifier: Apache-2.0
"""link.py - a network link on loopback: a TCP relay with a rate, a delay and counters.

Both directions have the same rate and half the round trip each; a queue of 64 KiB holds what
the link cannot take yet, as a router would. The three-way handshake is part of it: what a
client sends first is held one round trip longer. Rate 0: as fast as it goes. Packet headers
and loss are not modelled; both sides of a comparison go through the same relay.
"""
import queue
import socket
import threading
import time

PIECE, QUEUE, CLOSE_NOTIFY = 4096, 65536, 64


class Direction:
    """One way of the link, shared by all connections."""

    def __init__(self, bytes_per_second, delay):
        self.rate, self.delay = bytes_per_second, delay
        self.busy = 0.0
        self.lock = threading.Lock()

    def send(self, count):
        """When a piece that comes now has arrived; waits while the queue is full."""
        with self.lock:
            now = time.monotonic()
            if not self.rate:
                return now + self.delay
            self.busy = max(self.busy, now) + count / self.rate
            behind = self.busy - now - QUEUE / self.rate
            arrival = self.busy + self.delay
        if behind > 0:
            time.sleep(behind)
        return arrival


class Connection:
    def __init__(self, link, client):
        self.begin = time.monotonic()
        self.up = self.down = 0
        self.marks = []  # (time, bytes down so far)
        self.server = socket.create_connection(("127.0.0.1", link.target))
        self.client = client
        for sock in (self.server, self.client):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.threads = []
        self.pump(self.client, self.server, link.upward, 2 * link.upward.delay, self.count_up)
        self.pump(self.server, self.client, link.downward, 0, self.count_down)

    def count_up(self, count):
        self.up += count

    def count_down(self, count):
        self.down += count
        self.marks.append((time.monotonic(), self.down))

    def seconds(self):
        """From the connection to the end of the last answer, a TLS close_notify behind it left out."""
        return next(when for when, count in self.marks if count > self.down - CLOSE_NOTIFY) - self.begin

    def pump(self, source, sink, direction, first_delay, count):
        pieces = queue.Queue()

        def take():
            try:
                while data := source.recv(PIECE):
                    held = max(0.0, self.begin + first_delay - time.monotonic())
                    pieces.put((direction.send(len(data)) + held, data))
            except OSError:
                pass
            pieces.put((time.monotonic() + direction.delay, None))

        def give():
            while True:
                arrival, data = pieces.get()
                time.sleep(max(0.0, arrival - time.monotonic()))
                try:
                    if data is None:
                        sink.shutdown(socket.SHUT_WR)
                        return
                    sink.sendall(data)
                    count(len(data))
                except OSError:
                    return

        for work in (take, give):
            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            self.threads.append(thread)


class Link:
    """Listens on a free port and relays to 127.0.0.1:target."""

    def __init__(self, target, megabits=0, round_trip=0.0):
        self.target = target
        self.upward = Direction(megabits * 125000, round_trip / 2)
        self.downward = Direction(megabits * 125000, round_trip / 2)
        self.connections = []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.connections.append(Connection(self, client))

    def reset(self):
        self.connections.clear()

    def totals(self):
        return (sum(c.up for c in self.connections), sum(c.down for c in self.connections))

    def close(self):
        self.listener.close()
