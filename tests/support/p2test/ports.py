"""Free ports on loopback."""

import random
import socket
import time

_random = random.SystemRandom()


def _below_the_system():
    """The ports that the system gives to nobody by itself, neither to a connection nor to who asks for any."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        lowest = int(file.read().split()[0])
    return range(min(10240, lowest // 2), lowest) if lowest > 4096 else range(0, 1)


def free_port():
    """A port that nothing listens on now, and that no connection gets. Another test can take it before it is used:
    starters retry with a new one."""
    return free_ports(1)[0]


def free_ports(count):
    """`count` different free ports."""
    ports = _below_the_system()
    probes = []
    try:
        while len(probes) < count:
            probe = socket.socket()
            try:  # without SO_REUSEADDR, with which two that do not listen may have one port
                probe.bind(("127.0.0.1", _random.choice(ports)))
                probes.append(probe)
            except OSError:
                probe.close()
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
