# SPDX-License-Identifier: MIT
"""Real registries for the tests, each on a free port of 127.0.0.1."""
import contextlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import time

from port_lib import free_port

SOURCE = os.environ["SOURCE_DIR"]
TOOLS = f"{SOURCE}/build/tools/usr/bin"


def no_credentials(directory):
    """An environment in which nobody's real credentials are looked at."""
    return {"HOME": directory, "XDG_RUNTIME_DIR": directory, "XDG_CONFIG_HOME": directory,
            "DOCKER_CONFIG": directory, "REGISTRY_AUTH_FILE": ""}


class Program:
    """A registry that is a program; start() or `with` runs it."""

    LONGEST = 120  # seconds until it answers; nothing on a machine that is well

    def __init__(self, directory, port, *command):
        self.log_name = f"{directory}.log"
        self.port = port
        self.host = f"127.0.0.1:{port}"
        self.command = command

    def answers(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def start(self):
        with open(self.log_name, "a") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        end = time.monotonic() + self.LONGEST
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                with open(self.log_name, errors="replace") as log:
                    raise RuntimeError(f"{self.command[0]} does not start\n{log.read()[-3000:]}")
            time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()


class DockerRegistry(Program):
    """docker-registry; `lines` are added to its configuration. When it is stopped, it writes what
    it was sent to its end: of a client that was killed, too."""

    PROGRAM = shutil.which("docker-registry") or f"{TOOLS}/docker-registry"

    @classmethod
    def available(cls):
        return os.access(cls.PROGRAM, os.X_OK)

    def __init__(self, directory, *lines, port=None, authorization=None):
        self.directory = directory
        self.headers = {"Authorization": authorization} if authorization else {}
        config = f"{directory}.yml"
        super().__init__(directory, port or free_port(), self.PROGRAM, "serve", config)
        with open(config, "w") as f:
            f.write("\n".join([
                "version: 0.1", "log: {level: error, accesslog: {disabled: true}}", "storage:",
                f"  filesystem: {{rootdirectory: {directory}}}", "http:",
                f"  addr: 127.0.0.1:{self.port}", "  secret: fixed", "  draintimeout: 60s",
                *lines]) + "\n")

    def reset(self):
        """Empties it; its address is the same."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)
        self.start()

    @contextlib.contextmanager
    def asking(self, repository):
        """A function (METHOD, PATH) -> (answer, body), over one connection."""
        connection = http.client.HTTPConnection(self.host, timeout=self.LONGEST)
        accept = ("application/vnd.oci.image.index.v1+json, "
                  "application/vnd.oci.image.manifest.v1+json")

        def ask(method, path):
            connection.request(method, f"/v2/{repository}/{path}", headers={"Accept": accept, **self.headers})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status not in (200, 404):
                raise RuntimeError(f"{path}: {answer.status} {body}")
            return answer, body

        with contextlib.closing(connection):
            yield ask

    def manifest(self, repository, name):
        with self.asking(repository) as ask:
            return json.loads(ask("GET", f"manifests/{name}")[1])

    def tags(self, repository):
        """Names and digests, or nothing when there is no such repository."""
        with self.asking(repository) as ask:
            answer, body = ask("GET", "tags/list")
            names = json.loads(body)["tags"] or [] if answer.status == 200 else []
            return {name: ask("HEAD", f"manifests/{name}")[0].headers["Docker-Content-Digest"]
                    for name in names}


class CraneRegistry(Program):
    """The registry inside go-containerregistry's crane."""

    def __init__(self, directory, crane):
        port = free_port()
        super().__init__(directory, port, crane, "registry", "serve", "--address",
                         f"127.0.0.1:{port}")
