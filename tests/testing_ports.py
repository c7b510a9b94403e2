"""Free ports of the loopback, for tests that run side by side in several processes."""

import os
import socket
from contextlib import ExitStack
from itertools import cycle

# Below those that the system gives to outgoing connections: nobody gets one between here and its use. Each
# process begins elsewhere.
_PORTS = range(10_000, 32_000)
_START = os.getpid() * 1009 % len(_PORTS)
_next = cycle([*_PORTS[_START:], *_PORTS[:_START]])


def free_ports(count: int) -> list[int]:
    """Ports that nobody has now, and that are not given out again soon."""
    with ExitStack() as stack:
        found: list[int] = []
        while len(found) < count:
            port = next(_next)
            probe = stack.enter_context(socket.socket())
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found.append(port)
        return found


def free_port() -> int:
    """One of them."""
    return free_ports(1)[0]
