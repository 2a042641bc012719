# SPDX-License-Identifier: MIT
"""The double of GitHub Releases (tests/doubles/github/double.mjs) for tests in Python."""
import json
import os
import subprocess
import urllib.request

NODE = os.path.join(os.environ["SOURCE_DIR"], "tests")


class Double:
    """Runs until stop() or until this process ends."""

    def __init__(self, *args):
        data = os.environ.get("DISTRIBUTOR_TEST_DATA")
        description = os.path.join(data, "github-releases-openapi.json") if data else None
        judge = []
        if description and os.path.isdir(os.path.join(NODE, "node_modules")):
            judge = ["--description", description]
        self._process = subprocess.Popen(
            ["node", os.path.join(NODE, "doubles", "github", "double.mjs"), *judge, *args],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.urls = json.loads(self._process.stdout.readline())
        self.token = self.urls["token"]
        self.repository = self.urls["repository"]

    def control(self, path, body=None):
        request = urllib.request.Request(
            self.urls["control"] + path, data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def state(self):
        return self.control("/state")

    def environment(self):
        return {"GITHUB_API_URL": self.urls["api"], "GITHUB_REPOSITORY": self.repository,
                "GITHUB_TOKEN": self.token}

    def stop(self):
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()
