#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Keys, passphrases and tokens are searched for wherever they must not be."""
import base64
import http.server
import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

import tap
from sign_lib import PROGRAM, Release, read, run, tool

work = tempfile.mkdtemp(prefix="secrets-")
os.environ.update(HOME=work, GIT_CONFIG_NOSYSTEM="1")
for name in ("GITHUB_TOKEN", "GITHUB_REF_TYPE"):
    os.environ.pop(name, None)
PHRASE = "M4rkerPassphrase"
TOKEN = "M4rkerToken0123456789"
release = Release(os.path.join(work, "r"))
run("keygen", "release.pem", cwd=release.root, env={"DISTRIBUTOR_KEY_PASSPHRASE": PHRASE})
run("key", "--key", "release.pem", "--to", "secret-line", "--output", "line", cwd=release.root,
    env={"DISTRIBUTOR_KEY_PASSPHRASE": PHRASE})
LINE = read(os.path.join(release.root, "line")).decode().strip()
seed = base64.b64decode(LINE)[-32:]
os.unlink(os.path.join(release.root, "line"))
secrets = [PHRASE.encode(), TOKEN.encode(), LINE.encode(), LINE[22:].encode(), seed, seed.hex().encode(),
           base64.b64encode(seed), base64.b64encode(PHRASE.encode()), base64.b64encode(TOKEN.encode())]


def found(data):
    return [s for s in secrets if s in data]


# every command that sees a key, talking as much as it can
commands = [
    (["sign", "--matrix", "matrix.json", "-v"], {"DISTRIBUTOR_KEY": LINE}),
    (["sign", "--matrix", "matrix.json", "-v", "--json"], {"DISTRIBUTOR_KEY": LINE}),
    (["sign", "--matrix", "matrix.json", "-v", "--key", "release.pem"], {"DISTRIBUTOR_KEY_PASSPHRASE": PHRASE}),
    (["sign", "--matrix", "matrix.json", "-v", "--key", "release.pem"], {"DISTRIBUTOR_KEY_PASSPHRASE": PHRASE + "x"}),
    (["sign", "--matrix", "matrix.json", "-v"], {"DISTRIBUTOR_KEY": LINE[:-4]}),
    (["sign", "--matrix", "matrix.json", "-v"], {"DISTRIBUTOR_KEY": LINE + LINE}),
    (["key", "-v"], {"DISTRIBUTOR_KEY": LINE}),
    (["key", "-v", "--json"], {"DISTRIBUTOR_KEY": LINE}),
    (["key", "-v", "--to", "secret-line"], {"DISTRIBUTOR_KEY": LINE}),
    (["key", "-v", "--to", "secret-pem", "--output", "/nowhere/x"], {"DISTRIBUTOR_KEY": LINE}),
    (["key", "-v", "--key", "release.pem", "--to", "pem"], {"DISTRIBUTOR_KEY_PASSPHRASE": PHRASE}),
    (["key", "-v", "release.pem"], {}),
    (["tag", "--matrix", "matrix.json", "-v"], {"DISTRIBUTOR_KEY": LINE, "GITHUB_TOKEN": TOKEN}),
    (["verify", "-v", "--keys", "keys", "out/assets"], {"DISTRIBUTOR_KEY": LINE})]
leaks = []
for command, env in commands:
    for name in ("SHA256SUMS.sig", "provenance.sigstore.json"):
        if os.path.exists(release.path(name)):
            os.unlink(release.path(name))
    if found(run(*command, cwd=release.root, status=None, env=env).encode()):
        leaks.append(" ".join(command))
tap.equal("no output of any command has a secret", leaks, [])
release.sign("--quiet", env={"DISTRIBUTOR_KEY": LINE})
held = [os.path.join(d, f) for d, _, files in os.walk(work) for f in files
        if found(read(os.path.join(d, f)))]
tap.equal("no file has a secret in the clear", held, [])

# a process that has taken its secrets and waits: for its passphrase, on a pipe that stays open
def dumps_core():
    # What a shell starts in the background ignores it.
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))


def is_reading(pid, descriptor):
    """Whether it sleeps in a call with this descriptor, and so has done all that comes before."""
    try:
        words = read(f"/proc/{pid}/syscall").split()
        return len(words) > 1 and int(words[1], 16) == descriptor
    except (PermissionError, FileNotFoundError):  # not our process any more, or no such kernel
        time.sleep(0.5)
        return b"Max core file size        0 " in read(f"/proc/{pid}/limits")


def waiting():
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    process = subprocess.Popen(
        [PROGRAM, "key", "--passphrase-fd", str(reading)], cwd=release.root, pass_fds=[reading],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=dumps_core,
        env=dict(os.environ, DISTRIBUTOR_KEY=LINE, ASAN_OPTIONS="disable_coredump=0:handle_abort=0"))
    os.close(reading)
    deadline = time.monotonic() + 60
    while not is_reading(process.pid, reading) and time.monotonic() < deadline:
        time.sleep(0.02)
    return process, writing


process, writing = waiting()
try:
    environ = read(f"/proc/{process.pid}/environ")
    tap.equal("the variable is gone from /proc/PID/environ, not only unset", found(environ), [])
    tap.ok("while others are still there", b"PATH=" in environ)
except PermissionError:
    tap.ok("the variable cannot be read in /proc/PID/environ", True)
    tap.skip("while others are still there", "a process that is not dumpable hides them from this user")
tap.equal("no secret in argv", found(read(f"/proc/{process.pid}/cmdline")), [])
limits = read(f"/proc/{process.pid}/limits").decode()
tap.ok("the limit on core files is 0", "Max core file size        0                    0" in limits, limits)
owner = os.stat(f"/proc/{process.pid}/environ").st_uid
tap.equal("the process is not dumpable: its /proc files belong to root", owner, 0)
process.send_signal(signal.SIGQUIT)
process.wait(60)
os.close(writing)
tap.ok("a signal that dumps core ends it without one", process.returncode == -signal.SIGQUIT and
       not [f for f in os.listdir(release.root) if f.startswith("core")], process.returncode)

process, writing = waiting()
locked = sum(int(line.split()[1]) for line in read(f"/proc/{process.pid}/status").decode().splitlines()
             if line.startswith("VmLck"))
if resource.getrlimit(resource.RLIMIT_MEMLOCK)[0] == 0:
    tap.skip("secrets lie in locked memory", "no memory may be locked here")
else:
    tap.ok("secrets lie in locked memory", locked > 0)
os.write(writing, b"\n")
os.close(writing)
output = process.communicate(timeout=60)[0]
tap.equal("and its output has none", found(output), [])


# the token of a push goes to one host, once
class Front(http.server.BaseHTTPRequestHandler):
    seen = []
    redirect = None

    def log_message(self, *args):
        pass

    def do_GET(self):
        Front.seen.append((self.server.server_port, self.headers.get("Authorization")))
        redirect = self.redirect if self.server is first else None
        page = b"<html>moved</html>" if redirect else b""
        self.send_response(302 if redirect else 401)
        if redirect:
            self.send_header("Location", redirect + self.path)
        else:
            self.send_header("WWW-Authenticate", 'Basic realm="x"')
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        self.wfile.write(page)

    do_POST = do_GET


tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
     "tls.key", "-out", "tls.crt", "-days", "30", "-subj", "/CN=localhost", "-addext",
     "subjectAltName=DNS:localhost,IP:127.0.0.1", cwd=work)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(os.path.join(work, "tls.crt"), os.path.join(work, "tls.key"))


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


first, second = serve(), serve()
os.environ.pop("GIT_ASKPASS", None)
tool("git", "init", "-q", cwd=release.root)
tool("git", "config", "user.name", "A", cwd=release.root)
tool("git", "config", "user.email", "a@example.org", cwd=release.root)
tool("git", "add", "matrix.json", "matrix.lock.json", "keys", cwd=release.root)
tool("git", "commit", "-q", "-m", "x", cwd=release.root)
run("tag", "--matrix", "matrix.json", cwd=release.root, env={"DISTRIBUTOR_KEY": LINE})


def push(token, env, status=3):
    Front.seen.clear()
    env = {"SSL_CERT_FILE": os.path.join(work, "tls.crt"), "GIT_SSL_CAINFO": os.path.join(work, "tls.crt"),
           "GITHUB_SERVER_URL": f"https://localhost:{first.server_port}", **env}
    if token:
        env["GITHUB_TOKEN"] = token
    return run("tag", "--matrix", "matrix.json", "--push", "--remote",
               f"https://localhost:{first.server_port}/o/r.git", "-v", cwd=release.root, status=status, env=env)


# A remote that says nothing: by its greeting the program has taken the token.
with socket.create_server(("127.0.0.1", 0)) as silent:
    process = subprocess.Popen(
        [PROGRAM, "tag", "--matrix", "matrix.json", "--push", "--remote",
         f"https://127.0.0.1:{silent.getsockname()[1]}/o/r.git"], cwd=release.root, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ, GITHUB_TOKEN=TOKEN))
    silent.settimeout(120)
    connection, _ = silent.accept()
    connection.recv(1)
    try:
        tap.equal("the token of a push is gone from /proc/PID/environ", found(read(f"/proc/{process.pid}/environ")), [])
    except PermissionError:
        tap.ok("the token of a push cannot be read in /proc/PID/environ", True)
    process.kill()
    process.wait()
    connection.close()

basic = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()
for how, env in (("git", {}), ("libgit2", {"PATH": work})):
    Front.redirect = None
    text = push(None, env)
    tap.has(f"{how}: a remote that asks for a token that there is not", text, "GITHUB_TOKEN")
    tap.ok("... nothing was sent to it", {a for _, a in Front.seen} == {None})
    text = push(TOKEN, env)
    tap.has(f"{how}: a token that is refused", text, "Authentication failed" if how == "git" else "rejected")
    tap.equal("... it was sent as a password, and once", [a for _, a in Front.seen if a], [basic])
    tap.equal("... and is not in the message", found(text.encode()), [])
    push(TOKEN, {**env, "GITHUB_SERVER_URL": f"https://localhost:{second.server_port}"})
    tap.ok(f"{how}: a remote that is not the server of the matrix gets no token",
           Front.seen and not [a for _, a in Front.seen if a], Front.seen)
    for host in ("localhost", "127.0.0.1"):
        Front.redirect = f"https://{host}:{second.server_port}"
        text = push(TOKEN, env, status=5 if (how, host) == ("libgit2", "127.0.0.1") else 3)
        tap.ok(f"{how}: a redirect to {'another port' if host == 'localhost' else 'another host'} gets no token",
               not [a for _, a in Front.seen if a], text, Front.seen)
first.shutdown()
second.shutdown()
shutil.rmtree(work)
tap.done()
