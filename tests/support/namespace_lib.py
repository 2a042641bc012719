# SPDX-License-Identifier: MIT
"""A place for tests of container engines: namespaces of their own for users, mounts, processes and
network, and a binfmt_misc of their own. What is started in there ends with it."""
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys

NEWNS, NEWUSER, NEWPID, NEWNET = 0x20000, 0x10000000, 0x20000000, 0x40000000
MS_REC, MS_PRIVATE = 0x4000, 0x40000
PR_SET_PDEATHSIG = 1
libc = ctypes.CDLL(None, use_errno=True)


class Unavailable(Exception):
    """This machine forbids it; the reason is the text."""


def check(result, what):
    if result < 0:
        raise Unavailable(f"{what}: {os.strerror(ctypes.get_errno())}")
    return result


def mount(source, target, kind, flags=0):
    check(libc.mount(source, target, kind, flags, None), f"mount {target.decode()}")


def loopback_up():
    """ifconfig lo up, which needs no program this way."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sh14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP


def prepare():
    """In the first process of the new namespaces."""
    mount(b"none", b"/", None, MS_REC | MS_PRIVATE)
    mount(b"proc", b"/proc", b"proc")
    mount(b"none", b"/proc/sys/fs/binfmt_misc", b"binfmt_misc")
    # podman has its locks there, which are not those of the machine's.
    mount(b"none", b"/dev/shm", b"tmpfs")
    if sorted(os.listdir("/proc/sys/fs/binfmt_misc")) != ["register", "status"]:
        raise Unavailable("the private binfmt_misc is not empty")
    loopback_up()


def first_process(body):
    status = 99
    try:
        prepare()
        status = body()
    except Unavailable as e:
        print(f"# {e}", flush=True)
        status = 77
    except BaseException:  # its end ends every process of the namespace, so it has to be told here
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def wait(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def second_process(ready, mapped, body):
    """Makes the namespaces and, because a process keeps its own number, a child that is in them."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    status = 77
    try:
        check(libc.unshare(NEWUSER | NEWNS | NEWPID | NEWNET), "unshare")
        os.write(ready, b"r")
        if os.read(mapped, 1) == b"m":
            pid = os.fork()
            if pid == 0:
                libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
                first_process(body)
            status = wait(pid)
    except Unavailable as e:
        print(f"# {e}", flush=True)
    finally:
        os._exit(status)


def run(body):
    """Calls body() in there, which returns an exit status, and returns that; 77: not possible here.

    The users 0 to 65535 are themselves in there, as container engines want it."""
    if os.geteuid() != 0:
        print("# only root can map all users into a namespace")
        return 77
    ready_read, ready = os.pipe()
    mapped, mapped_write = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(ready_read)
        os.close(mapped_write)
        # Where both kinds of control groups are mounted, crun refuses. Its own mounts only.
        libc.unshare(NEWNS)
        libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
        libc.umount(b"/sys/fs/cgroup/unified")
        second_process(ready, mapped, body)
    os.close(ready)
    os.close(mapped)
    if os.read(ready_read, 1) == b"r":
        try:
            for name in ("uid_map", "gid_map"):
                with open(f"/proc/{pid}/{name}", "w") as f:
                    f.write("0 0 65536\n")
            os.write(mapped_write, b"m")
        except OSError as e:
            print(f"# cannot map the users: {e}")
    os.close(mapped_write)
    return wait(pid)
