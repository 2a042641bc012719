# SPDX-License-Identifier: MIT
"""Ports of 127.0.0.1 for servers that cannot pick one by themselves."""
import random
import socket

_names = []


def free_port():
    """A port that nobody else gets while this process lives: below those that the kernel gives to
    whoever asks for any, and held among the tests by the name of a socket."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as f:
        first = int(f.read().split()[0])
    ports = list(range(max(first - 16000, 1024), first)) or list(range(20000, 30000))
    random.shuffle(ports)
    for port in ports:
        name = socket.socket(socket.AF_UNIX)
        try:
            name.bind(f"\0distributor-test-port-{port}")
            with socket.socket() as s:
                s.bind(("127.0.0.1", port))
        except OSError:
            name.close()
            continue
        _names.append(name)
        return port
    raise RuntimeError("no port of 127.0.0.1 is free")
