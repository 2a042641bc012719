"""Real registries for the tests, each on a free port of 127.0.0.1."""
import os
import shutil
import socket
import subprocess
import time

SOURCE = os.environ.get("SOURCE_DIR", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = f"{SOURCE}/build/tools/usr/bin"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def no_credentials(directory):
    """An environment in which nobody's real credentials are looked at."""
    return {"HOME": directory, "XDG_RUNTIME_DIR": directory, "XDG_CONFIG_HOME": directory,
            "DOCKER_CONFIG": directory, "REGISTRY_AUTH_FILE": ""}


class Program:
    """A registry that is a program; `with` runs it."""

    def __init__(self, directory, port, *command):
        self.log_name = f"{directory}.log"
        self.port = port
        self.host = f"127.0.0.1:{port}"
        self.command = command

    def __enter__(self):
        with open(self.log_name, "w") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        for _ in range(100):
            with socket.socket() as s:
                if s.connect_ex(("127.0.0.1", self.port)) == 0:
                    return self
            time.sleep(0.1)
        self.__exit__()
        raise RuntimeError(f"{self.command[0]} does not start")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


class DockerRegistry(Program):
    """docker-registry; `lines` are added to its configuration."""

    PROGRAM = shutil.which("docker-registry") or f"{TOOLS}/docker-registry"

    @classmethod
    def available(cls):
        return os.access(cls.PROGRAM, os.X_OK)

    def __init__(self, directory, *lines, port=None):
        config = f"{directory}.yml"
        super().__init__(directory, port or free_port(), self.PROGRAM, "serve", config)
        with open(config, "w") as f:
            f.write("\n".join([
                "version: 0.1", "log: {level: error, accesslog: {disabled: true}}", "storage:",
                f"  filesystem: {{rootdirectory: {directory}}}", "http:",
                f"  addr: 127.0.0.1:{self.port}", "  secret: fixed", *lines]) + "\n")


class CraneRegistry(Program):
    """The registry inside go-containerregistry's crane."""

    def __init__(self, directory, crane):
        port = free_port()
        super().__init__(directory, port, crane, "registry", "serve", "--address",
                         f"127.0.0.1:{port}")
