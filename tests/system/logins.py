#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who is logged in, by the forms of config.json that docker knows, and with whom registries are
satisfied: a double and the real docker-registry, asking for a password or a token, each behind a rude
proxy. Who looks needs no login, who pushes does. Prints TAP."""

import base64
import collections
import contextlib
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from image_release import (DISTRIBUTOR, blob, done, fixture, images, ok, parallel, run, skip, tags)
from registry_lib import DockerRegistry, no_credentials

from oci_registry import Registry, TokenServer, digest_of
from rude import RudeProxy, seed_of
from signed_tokens import BASIC, SignedTokens

WORK = tempfile.mkdtemp(prefix="distributor-logins-")
LAYOUT = f"{WORK}/out/images"
FEW = f"{WORK}/few"  # one image of it, for the many pushes
PATH = "owner/repo"
SIGNED_AS = "localhost:5000/owner/repo"
ENV = no_credentials(WORK)
SEED = seed_of("logins")
SHARE = 0.08  # of the requests that the proxies refuse


# Configurations

def auth(user, password):
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def answers(user, secret):
    return f"echo '{{\"Username\":\"{user}\",\"Secret\":\"{secret}\"}}'"


ENTRY, STALE = auth("alice", "s3cret"), auth("alice", "stale-pw")
GOOD = answers("alice", "s3cret")
DESKTOP = {"https://HOST/v1/access-token": STALE, "https://HOST/v1/refresh-token": STALE}
ABSENT, ODD = "'docker-credential-desktop.exe'", "invalid output of the credential helper"
NOBODY = None  # in `says`: nobody is logged in, which each kind of registry puts into its words

# `form` is that of config.json, with HOST for the registry's (None: there is no file); `helper` is
# the program docker-credential-t. A push ends with `status` and `says` why; who looks is told
# `warns`, or nothing.
Row = collections.namedtuple("Row", "what form helper status says warns",
                             defaults=(None, 0, "", ""))
ROWS = [
    Row("an entry", {"auths": {"HOST": ENTRY}}),
    Row("an entry in two parts", {"auths": {"HOST": {"username": "alice", "password": "s3cret"}}}),
    Row("a key HOST/v2/", {"auths": {"HOST/v2/": ENTRY}}),
    Row("a key https://HOST/v1/", {"auths": {"https://HOST/v1/": ENTRY}}),
    Row("docker's own tokens after the entry", {"auths": {"https://HOST/v1/": ENTRY, **DESKTOP}}),
    Row("docker's own tokens before the entry", {"auths": {**DESKTOP, "https://HOST/v1/": ENTRY}}),
    Row("docker's key after another", {"auths": {"https://HOST/v1/": STALE, "HOST": ENTRY}}),
    Row("docker's key before another", {"auths": {"HOST": ENTRY, "https://HOST/v1/": STALE}}),
    Row("an empty key beside the entry", {"auths": {"": {}, "HOST": ENTRY}}),
    Row("an empty helper for the host", {"auths": {"HOST": ENTRY}, "credHelpers": {"HOST": ""}}),
    Row("a helper for the host", {"auths": {"HOST": STALE}, "credHelpers": {"HOST": "t"}}, GOOD),
    Row("'credsStore'", {"auths": {"HOST": {}}, "credsStore": "t"}, GOOD),
    Row("'credSstore'", {"auths": {"HOST": {}}, "credSstore": "t"}, GOOD),
    Row("an entry, and a store that is not installed",
        {"auths": {"HOST": ENTRY}, "credsStore": "desktop.exe"}),
    Row("no file", None, None, 3, NOBODY),
    Row("an empty file", "", None, 3, NOBODY),
    Row("an empty object", {}, None, 3, NOBODY),
    Row("an entry of another registry", {"auths": {"registry.example": ENTRY}}, None, 3, NOBODY),
    Row("docker's own tokens alone", {"auths": DESKTOP}, None, 3, NOBODY),
    Row("what a logout leaves", {"auths": {"HOST": auth("", "")}}, None, 3, NOBODY),
    Row("a helper that knows nobody", {"credsStore": "t"},
        "echo credentials not found in native keychain; exit 1", 3, NOBODY),
    Row("a helper that answers with nobody", {"credsStore": "t"}, answers("", ""), 3, NOBODY),
    Row("a helper that is not installed", {"credsStore": "desktop.exe"}, None, 3, NOBODY, ABSENT),
    Row("a helper for the host that is not installed", {"credHelpers": {"HOST": "desktop.exe"}},
        None, 3, NOBODY, ABSENT),
    Row("a helper that fails", {"credsStore": "t"}, "echo s3cret; exit 3", 1, "with status 3",
        "with status 3"),
    Row("a helper that talks nonsense", {"credsStore": "t"}, "echo s3cret", 1, ODD, ODD),
    Row("no JSON", "s3cret", None, 3, "is not a JSON object", "is not a JSON object"),
    Row("a stale entry", {"auths": {"HOST": STALE}}, None, 3, "rejected the credentials from",
        "rejected the credentials from"),
    Row("a helper with a stale answer", {"credsStore": "t"}, answers("alice", "stale-pw"), 3,
        "rejected the credentials from 'docker-credential-t'", "rejected the credentials from"),
]


def config(row, host):
    """The environment with this config.json; the helper answers for the host alone."""
    directory = tempfile.mkdtemp(dir=WORK)
    if row.form is not None:
        text = row.form if isinstance(row.form, str) else json.dumps(row.form)
        with open(f"{directory}/config.json", "w") as f:
            f.write(text.replace("HOST", host))
    if row.helper is not None:
        with open(f"{directory}/docker-credential-t", "w") as f:
            f.write(f'#!/bin/sh\nread -r host || :\n[ "$host" = {host} ] || exit 9\n{row.helper}\n')
        os.chmod(f"{directory}/docker-credential-t", 0o755)
    return {"DOCKER_CONFIG": directory, "PATH": f"{directory}:{os.environ['PATH']}"}


# Registries

class Site:
    """A registry behind a rude proxy. `kind` is "basic" or "bearer"; `front` is the proxy, `doors`
    are those at which a password is shown."""

    def __init__(self, kind):
        self.kind, self.count = kind, 0

    @contextlib.contextmanager
    def open(self, share=SHARE):
        with contextlib.ExitStack() as stack:
            tokens, realm = None, None
            if self.kind == "bearer":
                tokens = stack.enter_context(self.tokens())
                rude_tokens = stack.enter_context(RudeProxy(tokens.host, SEED, share=share))
                realm = rude_tokens.url
            self.registry = stack.enter_context(self.start(tokens, realm))
            self.front = stack.enter_context(
                RudeProxy(self.registry.host, SEED, share=share))
            self.doors = [rude_tokens] if tokens else [self.front]
            self.seed()
            yield self

    def nobody(self):
        return "requires credentials and none are configured" if self.kind == "basic" else \
            "without credentials"

    def shown(self):
        """Who showed a password, of those who came to the doors since they were last cleared."""
        return ["Authorization" in h for door in self.doors for _, _, h in door.requests]

    def begin(self, private):
        """`private`: strangers may not read; only where a password is asked for."""
        self.front.strangers = BASIC if self.kind == "basic" and not private else None
        for service in (self.front, *self.doors):
            service.requests.clear()
            service.begin(SEED)

    def push(self, env, private=False):
        """To a repository that nothing is in."""
        self.begin(private)
        self.repository = self.new_repository()
        return run(DISTRIBUTOR, "push", "--unsigned", "--layout", FEW,
                   f"{self.front.host}/{self.repository}", env={**ENV, **env})

    def verify(self, env, *args, private=False):
        self.begin(private)
        return run(DISTRIBUTOR, "verify", "--keys", f"{WORK}/keys", "--signed-as", SIGNED_AS,
                   "--image", f"{self.front.host}/{PATH}:latest", *args, env={**ENV, **env})


class Double(Site):
    """Has one repository, whatever it is called. `content`: of a registry with the release."""

    name = "a double"
    content = None
    tokens = TokenServer

    def start(self, tokens, realm):
        registry = Registry()
        registry.auth, registry.tokens = self.kind, tokens
        registry.realm = f"{realm}/token" if realm else None
        return registry

    def seed(self):
        self.fill()

    def fill(self):
        registry = self.registry
        registry.blobs, registry.manifests, registry.tags = map(dict, Double.content)

    def new_repository(self):
        self.registry.blobs, self.registry.manifests, self.registry.tags = {}, {}, {}
        return PATH

    def has(self):
        registry = self.registry
        whole = all(digest_of(data) == digest for digest, data in registry.blobs.items()) and \
            all(blob(LAYOUT, digest) == data for digest, (_, data) in registry.manifests.items())
        return registry.tags if whole else "damaged content"

    def verify(self, env, *args, private=False):
        self.fill()
        return super().verify(env, *args, private=private)


class Docker(Site):
    name = "docker-registry"

    def tokens(self):
        return SignedTokens(tempfile.mkdtemp(dir=WORK))

    def start(self, tokens, realm):
        directory = tempfile.mkdtemp(dir=WORK)
        shutil.copytree(f"{WORK}/registry", f"{directory}/data")
        if tokens:
            self.server = tokens
            return DockerRegistry(f"{directory}/data", *tokens.lines(realm))
        with open(f"{directory}/htpasswd", "w") as f:
            subprocess.run(["htpasswd", "-Bbn", "-C", "4", "alice", "s3cret"], stdout=f, check=True)
        return DockerRegistry(f"{directory}/data", "auth:",
                              f"  htpasswd: {{realm: r, path: {directory}/htpasswd}}",
                              authorization=BASIC)

    def seed(self):
        pass  # the directory is a copy of one with the release

    def new_repository(self):
        self.count += 1
        return f"pushed/number{self.count}"

    def has(self):
        if self.kind == "bearer":
            self.registry.headers = {"Authorization":
                                     f"Bearer {self.server.token(self.repository)}"}
        return self.registry.tags(self.repository)


def wanted():
    return {name: entry["digest"] for name, entry in tags(FEW).items()}


def quiet(result):
    return not re.search("s3cret|stale-pw", result.stdout + result.stderr)


def told(result):
    return result.stderr.count("continuing without")


def check_row(site, row):
    env = config(row, site.front.host)
    result = site.push(env)
    says = site.nobody() if row.says is NOBODY else row.says
    ok(result.returncode == row.status and says in result.stderr and quiet(result) and
       site.has() == (wanted() if row.status == 0 else {}) and
       told(result) == (row.says is NOBODY and bool(row.warns)) and
       (row.status == 0 or not any(m == "PUT" for m, _, _ in site.front.requests)),
       f"{site.name}, {site.kind}, config.json with {row.what}: a push "
       f"{'is done' if row.status == 0 else 'ends'}",
       f"{result.returncode} {site.has()} {result.stdout}{result.stderr}")
    check_look(site, row, env)


def check_look(site, row, env):
    """Docker's token server asks who it is, and lets strangers read. Where a password is asked for,
    it asks either nobody or everybody."""
    asked = site.kind == "bearer"
    stale = row.says is not NOBODY and row.says.startswith("rejected")
    for private in (False, True):
        if (asked and private) or (not asked and row.status == 0 and not private):
            continue
        result = site.verify(env, private=private)
        shown = site.shown()
        warned = bool(row.warns) and (asked or private)
        ok(result.returncode == (3 if private and row.status else 0) and quiet(result) and
           told(result) == warned and (row.warns if warned else "") in result.stderr and
           any(shown) == ((asked or private) and (row.status == 0 or stale)),
           f"... {'a private' if private else 'an'} image is looked at "
           f"{'as a stranger' if row.status or not any(shown) else 'with the login'}"
           f"{', with one warning' if warned else ''}",
           f"{result.returncode} {shown} {result.stdout}{result.stderr}")


def check_anonymous(site):
    for what, row in (("good", ROWS[0]), ("stale", ROWS[-2])):
        result = site.verify(config(row, site.front.host), "--anonymous")
        ok(result.returncode == 0 and site.shown() and not any(site.shown()) and not told(result),
           f"{site.name}, {site.kind}: with --anonymous a {what} login is not shown",
           f"{site.shown()} {result.stdout}{result.stderr}")


def check_refused_logins(site):
    """A login that was good is not, for a moment or from now on."""
    env = config(ROWS[0], site.front.host)
    front = site.front
    for status in (401, 403, 429):
        for what, methods in (("a manifest", ("PUT",)), ("an upload", ("POST",))):
            part = "/manifests/sha256:" if what == "a manifest" else "/uploads/"
            front.refuse_login(status, methods=methods, part=part)
            result = site.push(env, private=True)
            refusal, = front.login_refusals
            front.login_refusals.clear()
            ok(result.returncode == 0 and site.has() == wanted() and refusal["times"] == 0 and
               not told(result) and quiet(result),
               f"{site.name}, {site.kind}: {status} once to a push of {what}, with a good login",
               f"{refusal} {result.stdout}{result.stderr}")
        front.refuse_login(status, times=99, methods=("PUT",), part="/manifests/")
        result = site.push(env, private=True)
        front.login_refusals.clear()
        ok(result.returncode == (5 if status == 429 else 3) and site.has() == {} and
           not told(result) and quiet(result) and
           all("Authorization" in h for m, _, h in front.requests if m == "PUT"),
           f"{site.name}, {site.kind}: {status} for ever ends a push, which never continues without",
           f"{result.returncode} {result.stdout}{result.stderr}")
        for part, times in (("/manifests/latest", 1), ("/blobs/", 1), ("", 99)):
            check_refused_look(site, env, status, part, times)


def check_refused_look(site, env, status, part, times):
    """What was never taken is not shown again; what was taken once may be. For ever, it is refused
    where passwords are shown."""
    door, = site.doors if times > 1 else [site.front]
    door.login_refusals.clear()
    door.refuse_login(status, times=times, part=part)
    result = site.verify(env, private=True)
    refusal, = door.login_refusals
    door.login_refusals.clear()
    first = part == "/manifests/latest"
    given_up = times > 1 or (first and (status == 403 or (status == 401 and site.kind == "basic")))
    ok(result.returncode == (3 if given_up and site.kind == "basic" else 0) and
       told(result) == given_up and quiet(result) and refusal["times"] < times,
       f"{site.name}, {site.kind}: {status} {'for ever' if times > 1 else 'once'} to who looks at "
       f"{part or 'an image'} with a good login{': it is given up' if given_up else ''}",
       f"{result.returncode} {refusal} {result.stdout}{result.stderr}")


def replaced(name, value):
    """A challenge with this parameter, in place of its own."""
    def challenge(text):
        return re.sub(f',{name}="[^"]*"', "", text) + f",{name}={value}"
    return challenge


CHALLENGES = {
    "basic": [(text, lambda _, text=text: text) for text in (
        "Basic realm=/", 'Basic realm=""', "Basic realm=", "basic realm=r",
        'Negotiate, Basic realm="r"', 'Basic realm="r", charset="UTF-8"')],
    "bearer": [(f"{name}={value}", replaced(name, value)) for name, value in (
        ("scope", '""'), ("scope", '" "'), ("scope", '"repository:somebody/else:pull"'),
        ("scope", '"registry:catalog:*"'), ("scope", ""), ("service", '""'), ("service", ""))],
}


def check_challenges(make, kind):
    """Challenges that are against the grammar or ask for something else."""
    with make(kind).open() as site:
        good, none = (config(row, site.front.host) for row in (ROWS[0], ROWS[14]))
        for what, site.front.challenge in CHALLENGES[site.kind]:
            check_challenge(site, what, good, none)


def check_challenge(site, what, good, none):
    name = f"{site.name} with the challenge '{what}'"
    result = site.push(good)
    asked = [p for door in site.doors for _, p, _ in door.requests if "scope=" in p]
    ok(result.returncode == 0 and site.has() == wanted() and (site.kind == "basic" or asked) and
       all(f"scope=repository%3A{site.repository.replace('/', '%2F')}%3Apull" in p for p in asked),
       f"{name}: a push with a login", f"{asked} {result.stdout}{result.stderr}")
    result = site.push(none)
    ok(result.returncode == 3 and site.nobody() in result.stderr and site.has() == {},
       f"{name}: none without one", f"{result.returncode} {result.stdout}{result.stderr}")
    for login, env in (("with a login", good), ("as a stranger", none)):
        result = site.verify(env, private=env is good)
        ok(result.returncode == 0 and not told(result) and any(site.shown()) == (env is good),
           f"{name}: an image is looked at {login}",
           f"{site.shown()} {result.stdout}{result.stderr}")


def check_rows(make, kind, rows):
    with make(kind).open() as site:
        for row in rows:
            check_row(site, row)


def check_site(make, kind):
    """Without chance, which would add to what is refused."""
    with make(kind).open(share=0) as site:
        check_anonymous(site)
        check_refused_logins(site)


def check_anybody():
    """Where a token server lets anybody write, a push needs no login either."""
    with Double("bearer").open() as site:
        site.registry.tokens.anybody = True
        for row in (row for row in ROWS if row.says is NOBODY):
            result = site.push(config(row, site.front.host))
            ok(result.returncode == 0 and site.has() == wanted() and not any(site.shown()) and
               row.warns in result.stderr and told(result) == bool(row.warns),
               f"anybody may push, and config.json has {row.what}", result.stdout + result.stderr)


def named(check, *args):
    """For parallel(), which tells the name of a check that fails."""
    @functools.wraps(check)
    def run_check():
        return check(*args)
    return run_check


def fill(registry):
    """Both kinds begin with the same release."""
    with registry:
        result = run(DISTRIBUTOR, "push", "--unsigned", "--layout", LAYOUT,
                     f"{registry.host}/{PATH}", env=ENV)
        ok(result.returncode == 0, "a registry has them", result.stderr)
    if isinstance(registry, Registry):
        Double.content = registry.blobs, registry.manifests, registry.tags


def prepare():
    """A signed release; its repository in the matrix is not the one that it is pushed to."""
    fixture(WORK, 2000, "x86_64")
    steps = [images(WORK), run(DISTRIBUTOR, "keygen", "--no-passphrase", "--keys", f"{WORK}/keys",
                               f"{WORK}/key.pem")]
    steps.append(run(DISTRIBUTOR, "sign", "--matrix", f"{WORK}/matrix.json", "--out",
                     f"{WORK}/out", "--keys", f"{WORK}/keys", "--repo", WORK, "--key",
                     f"{WORK}/key.pem"))
    shutil.copytree(LAYOUT, FEW)
    with open(f"{FEW}/index.json") as f:
        index = json.load(f)
    index["manifests"] = [tags(LAYOUT)["x86_64-arm"]]
    with open(f"{FEW}/index.json", "w") as f:
        json.dump(index, f)
    bad = [s.stderr for s in steps if s.returncode != 0]
    ok(not bad, "images are made and signed", "".join(bad))
    fill(Registry())
    if DockerRegistry.available():
        fill(DockerRegistry(f"{WORK}/registry"))


def main():
    try:
        prepare()
        sites = [(Double, kind) for kind in CHALLENGES]
        if not DockerRegistry.available():
            skip("docker-registry", "docker-registry is not installed; see ./check")
        elif not shutil.which("htpasswd"):
            skip("docker-registry", "htpasswd is not installed")
        else:
            sites += [(Docker, kind) for kind in CHALLENGES]
        # Most of the time is spent waiting: a half of the rows each. The double that asks for a
        # token is met in check_anybody.
        parallel([check_anybody,
                  *(named(check_rows, *site, ROWS[half::2]) for site in sites
                    if site != (Double, "bearer") for half in range(2)),
                  *(named(check, *site) for site in sites
                    for check in (check_site, check_challenges))])
    finally:
        shutil.rmtree(WORK)
    return done()


sys.exit(main())
