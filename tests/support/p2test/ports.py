"""Free ports on loopback."""

import socket
import time


def free_port():
    """A port that nothing listens on now. It can be taken by another before use: starters retry with a new one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def free_ports(count):
    """`count` different free ports."""
    probes = []
    try:
        for _ in range(count):
            probe = socket.socket()
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", 0))
            probes.append(probe)
        return [probe.getsockname()[1] for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def wait_until_listening(port, process, seconds=30):
    """Connects until `port` accepts; raises when `process` has ended or the time is over."""
    deadline = time.monotonic() + seconds
    pause = 0.01
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=2).close()
            return
        except OSError:
            if process.exit_code() is not None:
                raise RuntimeError(f"{process.name} ended with {process.exit_code()} before it listened:\n"
                                   + process.tail()) from None
            if time.monotonic() > deadline:
                raise RuntimeError(f"{process.name} does not listen on {port} after {seconds} s:\n"
                                   + process.tail()) from None
        time.sleep(pause)
        pause = min(pause * 2, 0.2)
