"""Free ports below those the kernel gives to clients, so that a stopped server finds its own free again."""

import random
import socket
from contextlib import closing

LOWEST = 15_000
HIGHEST = 32_000
_RANDOM = random.SystemRandom()


def free_ports(count: int) -> list[int]:
    """As many different ports of the loopback address on which nobody listens."""
    ports: list[int] = []
    while len(ports) < count:
        port = _RANDOM.randrange(LOWEST, HIGHEST)
        if port not in ports and _is_free(port):
            ports.append(port)
    return ports


def _is_free(port: int) -> bool:
    with closing(socket.socket()) as tried:
        try:
            tried.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
