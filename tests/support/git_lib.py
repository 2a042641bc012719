# SPDX-License-Identifier: MIT
"""Real remotes of git on 127.0.0.1: over http and https, behind a proxy, git daemon and sshd."""
import base64
import glob
import http.server
import os
import ssl
import subprocess
import threading
import time

import debian
from port_lib import free_port
from sign_lib import read, tool, write


class Backend(http.server.BaseHTTPRequestHandler):
    """git http-backend, which unlike a path runs the hooks. The attributes are the server's."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def refuse(self, status, header, value):
        self.send_response(status)
        self.send_header(header, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while (size := int(self.rfile.readline(), 16)) > 0:
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def do_GET(self):
        body, server = self.body(), self.server
        path, _, query = self.path.partition("?")
        if path.startswith("http://"):  # asked as a proxy: whatever the host is
            server.proxied.append(path)
            path = "/" + path.split("/", 3)[3]
        for header, wanted, status, question in (
                ("Proxy-Authorization", server.proxy_login, 407, "Proxy-Authenticate"),
                ("Authorization", server.login, 401, "WWW-Authenticate")):
            if self.headers.get(header):
                server.seen.append((header, self.headers[header]))
            if wanted and self.headers.get(header) != "Basic " + base64.b64encode(wanted.encode()).decode():
                return self.refuse(status, question, 'Basic realm="x"')
        if server.status:
            return self.refuse(server.status, "X-Reason", "test")
        done = subprocess.run(["git", "http-backend"], input=body, capture_output=True, timeout=60, env=dict(
            os.environ, GIT_PROJECT_ROOT=server.root, GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query,
            REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type", ""),
            CONTENT_LENGTH=str(len(body)), REMOTE_USER="x"))
        head, _, rest = done.stdout.partition(b"\r\n\r\n")
        lines = dict(line.split(": ", 1) for line in head.decode().splitlines())
        self.send_response(int(lines.pop("Status", "200").split()[0]))
        for name, value in lines.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)

    do_POST = do_GET

    def do_CONNECT(self):
        self.server.proxied.append(self.path)
        self.refuse(502, "X-Reason", "test")


def serve(root, login=None, proxy_login=None, certificate=None):
    """A server of the repositories below `root`; `login` is "NAME:PASSWORD"."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    server.daemon_threads = True
    server.root, server.login, server.proxy_login, server.status = root, login, proxy_login, None
    server.seen, server.proxied = [], []
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def certificate(directory):
    """The files of a certificate for localhost and of its key."""
    files = os.path.join(directory, "tls.crt"), os.path.join(directory, "tls.key")
    tool("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
         files[1], "-out", files[0], "-days", "30", "-subj", "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1")
    return files


def daemon(root):
    """git daemon that takes pushes. Returns the process and the port."""
    port = free_port()
    process = subprocess.Popen(["git", "daemon", "--listen=127.0.0.1", f"--port={port}", f"--base-path={root}",
                                "--export-all", "--enable=receive-pack", "--reuseaddr", root],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    for _ in range(100):
        if tool("git", "ls-remote", f"git://127.0.0.1:{port}/none", check=False).stderr.find("unable to connect") < 0:
            break
        time.sleep(0.1)
    return process, port


def sshd(directory, port):
    """Debian's own sshd, unpacked, with a user for itself in a /etc/passwd that only it sees."""
    arch = debian.architecture()
    program = os.path.join(debian.package("bookworm", arch, "openssh-server"), "usr/sbin/sshd")
    wrap = debian.package("bookworm", arch, "libwrap0")
    libraries = [os.path.dirname(p) for p in glob.glob(f"{wrap}/**/libwrap.so.0", recursive=True)]
    write(f"{directory}/conf", f"Port {port}\nListenAddress 127.0.0.1\nHostKey {directory}/host\n"
          f"AuthorizedKeysFile {directory}/user.pub\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
          f"PidFile none\n")
    write(f"{directory}/passwd", read("/etc/passwd") + b"sshd:x:65530:65534::/run/sshd:/usr/sbin/nologin\n")
    write(f"{directory}/run", f"mount --bind {directory}/passwd /etc/passwd && mount -t tmpfs none /run && "
          f"mkdir /run/sshd && exec {program} -D -e -f {directory}/conf\n")
    return subprocess.Popen(["unshare", "-m", "sh", f"{directory}/run"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True,
                            env=dict(os.environ, LD_LIBRARY_PATH=":".join(libraries)))
