# SPDX-License-Identifier: MIT
"""A token server as docker-registry believes it: RS256 with the certificate in the header.

    with SignedTokens(directory) as tokens:
        DockerRegistry(..., *tokens.lines(realm))

alice may do what she asks for; who has no password may pull.
"""
import base64
import json
import random
import subprocess
import time
import urllib.parse

from oci_registry import Handler, Service

BASIC = "Basic " + base64.b64encode(b"alice:s3cret").decode()


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class SignedTokens(Service):
    def __init__(self, directory):
        super().__init__(SignedTokenHandler)
        self.key, self.certificate = f"{directory}/tok.key", f"{directory}/tok.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                        self.key, "-out", self.certificate, "-days", "2", "-subj", "/CN=token"],
                       check=True, capture_output=True)
        self.der = subprocess.run(["openssl", "x509", "-in", self.certificate, "-outform", "DER"],
                                  capture_output=True, check=True).stdout

    def lines(self, realm=None):
        """For the configuration of docker-registry; `realm` is where it sends its clients."""
        return ("auth:", "  token:", f"    realm: {realm or self.url}/token", "    service: s",
                "    issuer: i", f"    rootcertbundle: {self.certificate}")

    def sign(self, subject, audience, access):
        now = int(time.time())
        parts = [{"typ": "JWT", "alg": "RS256", "x5c": [base64.b64encode(self.der).decode()]},
                 {"iss": "i", "sub": subject, "aud": audience, "exp": now + 60, "nbf": now - 5,
                  "iat": now, "jti": str(random.random()), "access": access}]
        signed = ".".join(base64url(json.dumps(p).encode()) for p in parts)
        mark = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.key],
                              input=signed.encode(), capture_output=True, check=True).stdout
        return f"{signed}.{base64url(mark)}"

    def token(self, repository):
        """For who reads it."""
        return self.sign("", "s", [{"type": "repository", "name": repository, "actions": ["pull"]}])


class SignedTokenHandler(Handler):
    def respond(self):
        asked = urllib.parse.parse_qs(urllib.parse.urlparse(self.path).query)
        given = self.headers.get("Authorization", "")
        if given not in ("", BASIC):
            return self.error(401, "UNAUTHORIZED")
        access = []
        for scope in asked.get("scope", []):
            kind, name, actions = scope.split(":")
            access.append({"type": kind, "name": name,
                           "actions": actions.split(",") if given else ["pull"]})
        token = self.service.sign("alice" if given else "", asked.get("service", ["s"])[0], access)
        return self.send(200, body=json.dumps({"token": token, "expires_in": 60}).encode())
