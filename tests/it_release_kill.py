#!/usr/bin/env python3
"""A release to a double of GitHub and a real registry, killed with SIGKILL again and again at
pseudo-random moments: it always finishes, with the bytes of a run that nobody disturbed, and nothing
is public early. KILLS says how often, TEST_SEED when. Prints TAP."""
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import tap  # noqa: E402
from github_double import Double  # noqa: E402
from release_lib import DockerRegistry, Tree, environment, tool, tree  # noqa: E402

KILLS = int(os.environ.get("KILLS", "20"))
SEED = int(os.environ.get("TEST_SEED", random.randrange(1 << 32)))
WORK = tempfile.mkdtemp(prefix="kill-")
PATH = "octo-org/qemu-user-static"
if not shutil.which("node") or not os.access(DockerRegistry.PROGRAM, os.X_OK):
    tap.skip("killed releases", "node or docker-registry is not installed; ./check does that")
    tap.done()


class World:
    """Everything that a release changes, here and elsewhere, and how it was before."""

    def __init__(self):
        self.registry = DockerRegistry(f"{WORK}/registry")
        images = [f"{self.registry.host}/{PATH}"]
        self.tree = Tree(f"{WORK}/tree", targets=["aarch64", "arm", "s390x"], size=300000,
                         edit=lambda m, _: m["repository"].update(images=images))
        self.tree.keygen()
        self.tree.commit()
        self.remote = f"{WORK}/remote.git"
        tool("git", "init", "-q", "--bare", "-b", "main", self.remote)
        self.tree.git("push", "-q", self.remote, "main")
        self.double = Double("--git", self.remote, "--repository", PATH)

    def stop(self):
        self.double.stop()
        self.registry.stop()

    def reset(self):
        shutil.rmtree(self.tree.path("out"), ignore_errors=True)
        for repository in (self.tree.root, self.remote):
            tool("git", "-C", repository, "tag", "-d", self.tree.tag, check=False)
        self.registry.reset()
        self.double.control("/reset", {})

    def start(self):
        command = self.tree.command("--key", "home/release.pem", "--remote", self.remote,
                                    "--pace", "0", "--quiet")
        with open(f"{WORK}/log", "w") as log:
            return subprocess.Popen(command, cwd=self.tree.root, stdout=log, stderr=log,
                                    stdin=subprocess.DEVNULL,
                                    env=environment(self.tree.home, **self.double.environment()))

    def log(self):
        with open(f"{WORK}/log") as f:
            return f.read()

    def outcome(self):
        """All that is left of a finished release."""
        state = self.double.state()
        releases = [{"tag": r["tag_name"], "draft": r["draft"], "body": r["body"],
                     "assets": sorted((a["name"], a["size"], a["sha256"]) for a in r["assets"]),
                     "at_publication": sorted(r["at_publication"])} for r in state["releases"]]
        tags = [tool("git", "-C", repository, "for-each-ref", "refs/tags",
                     "--format=%(refname) %(objectname)").stdout
                for repository in (self.tree.root, self.remote)]
        out = tree(self.tree.path("out"))
        out.pop("packed.json", None)  # notes that save time
        return {"releases": releases, "latest": state["latest"], "git": tags,
                "images": self.registry.tags(PATH), "out": out}

    def early(self, finished):
        """What is wrong with the world as a killed run left it."""
        state = self.double.state()
        published = [r for r in state["releases"] if not r["draft"]]
        wrong = list(state["violations"])
        version = self.tree.version
        for name, digest in self.registry.tags(PATH).items():
            fixed = name == version or name.endswith("-" + version) or name.startswith("sha256-")
            if not published and not fixed:
                wrong.append(f"the tag '{name}' moved before the release was published")
            if digest != finished["images"][name]:
                wrong.append(f"the tag '{name}' is {digest}")
        for release in published:
            if sorted(release["at_publication"]) != finished["releases"][0]["at_publication"]:
                wrong.append("it was published incomplete")
        if len(state["releases"]) > 1:
            wrong.append("there are several releases")
        assets = self.tree.path("out/assets")
        for name, digest in tree(assets).items():
            if not name.startswith(".") and digest != finished["out"][f"assets/{name}"]:
                wrong.append(f"'{name}' has its final name and other bytes")
        return wrong


def difference(got, wanted):
    return {k: (got[k], wanted[k]) for k in wanted if got[k] != wanted[k]}


def undisturbed(world):
    world.start().wait(timeout=120)  # what the system reads for the first time is read now
    world.reset()
    began = time.time()
    process = world.start()
    status = process.wait(timeout=120)
    took = time.time() - began
    tap.ok("a release that nobody disturbs", status == 0, world.log())
    finished = world.outcome()
    tap.ok("... is published with its images", len(finished["releases"]) == 1 and
           finished["latest"] == world.tree.tag and "latest" in finished["images"],
           {k: finished[k] for k in ("releases", "latest", "images")})
    before = finished["out"]
    process = world.start()
    tap.ok("run again it does nothing", process.wait(timeout=120) == 0 and
           world.outcome()["out"] == before, world.log())
    return finished, took


def main(world):
    pick = random.Random(SEED)
    print(f"# TEST_SEED={SEED} KILLS={KILLS}")
    finished, took = undisturbed(world)
    killed, rounds, wrong, is_finished = 0, 0, [], False
    world.reset()
    while killed < KILLS or not is_finished:
        is_finished = False
        process = world.start()
        # After the last kill it runs to its end.
        moment = pick.uniform(0, took * 1.1) if killed < KILLS else 300
        try:
            status = process.wait(timeout=moment)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            killed += 1
            wrong += [f"kill {killed} after {moment:.3f} s: {w}" for w in world.early(finished)]
            continue
        if status != 0:
            wrong.append(f"after {killed} kills it failed: {world.log()}")
            break
        rounds, is_finished = rounds + 1, True
        found = difference(world.outcome(), finished)
        if found:
            wrong.append(f"round {rounds}: {found}")
        if killed < KILLS:
            world.reset()
    tap.equal(f"killed {killed} times in {rounds} releases: nothing public early, no half file, "
              "the same bytes, tags and pages", wrong[:5], [])
    tap.ok("every kill was given", killed == KILLS, killed)


WORLD = World()
try:
    main(WORLD)
finally:
    WORLD.stop()
    shutil.rmtree(WORK)
tap.done()
