#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A release to a double of GitHub and a real registry, killed with SIGKILL again and again at
pseudo-random moments of every step: it always finishes, with the bytes of a run that nobody
disturbed, and nothing is public early. KILLS says how often, TEST_SEED when. Then the same with
SIGINT and SIGTERM, which it stops at by itself, and with a GitHub and a registry on a bad day
(RUDE_KILLS times).
Prints TAP."""
import collections
import contextlib
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import tap
from github_double import Double
from registry_lib import DockerRegistry
from release_lib import Tree, environment, tool, tree

from rude import RudeProxy

KILLS = int(os.environ.get("KILLS", "200"))
RUDE_KILLS = int(os.environ.get("RUDE_KILLS", "10"))
SEED = int(os.environ.get("TEST_SEED", random.randrange(1 << 32)))
# In memory where there is room: it is the program that is killed, and not the machine.
ROOMY = os.path.isdir("/dev/shm") and shutil.disk_usage("/dev/shm").free > 256 << 20
WORK = tempfile.mkdtemp(prefix="kill-", dir="/dev/shm" if ROOMY else None)
LONGEST = 120  # that a run may take, or may take to stop
PATH = "octo-org/qemu-user-static"
STEPS = ["start", "lock", "fetch", "tarballs", "images", "sign", "tag", "draft", "push", "publish",
         "latest", "read back"]
if not shutil.which("node") or not DockerRegistry.available():
    tap.skip("killed releases", "node or docker-registry is not installed; ./check does that")
    tap.done()


class Run:
    """One run of the program, which says what step it begins."""

    def __init__(self, command, directory, env):
        self.step, self.began, self.took, self.log = "start", time.monotonic(), {}, ""
        self.process = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, env=env,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def _enter(self, step):
        now = time.monotonic()
        self.took[self.step] = now - self.began
        self.step, self.began = step, now

    def wait(self, aim=None, delay=0.0, number=signal.SIGKILL):
        """Its exit status, or minus the signal that ended it: `number` is sent `delay` seconds after
        the step `aim` began. `self.step` is where it was then, or "end" if it had come to its end."""
        pipe, sent = self.process.stdout.fileno(), False
        reached, deadline = aim == "start", self.began + (delay if aim == "start" else LONGEST)
        while True:
            if not select.select([pipe], [], [], max(0.0, deadline - time.monotonic()))[0]:
                if sent or not reached:
                    self.process.kill()
                    raise AssertionError(f"it hangs in '{self.step}': {self.log}")
                self.process.send_signal(number)
                sent, deadline = True, time.monotonic() + LONGEST
                continue
            text = os.read(pipe, 65536).decode(errors="replace")
            if not text:
                break
            self.log += text
            for step in re.findall(r"^debug: step: (.*)$", text, re.M):
                if not sent:
                    self._enter(step)
                if step == aim and not reached:
                    reached, deadline = True, self.began + delay
        status = self.process.wait()
        self.process.stdout.close()
        if not sent:
            self._enter("end")
        return status


class World:
    """Everything that a release changes, here and elsewhere, and how it was before."""

    def __init__(self):
        self.registry = DockerRegistry(f"{WORK}/registry")
        self.registry.start()
        images = [f"{self.registry.host}/{PATH}"]
        self.tree = Tree(f"{WORK}/tree", targets=["s390x"], size=300000,
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

    @contextlib.contextmanager
    def rude_registry(self):
        """Another registry, which is empty, behind a rude proxy at the address of the first."""
        polite = self.registry
        polite.stop()
        self.registry = DockerRegistry(f"{WORK}/behind")
        self.registry.start()
        try:
            with RudeProxy(self.registry.host, SEED, port=polite.port, share=0.1) as rude:
                yield rude
        finally:
            self.registry.stop()
            self.registry = polite
            polite.start()

    def reset(self):
        for name in ("out", "cache"):
            shutil.rmtree(self.tree.path(name), ignore_errors=True)
        for repository in (self.tree.root, self.remote):
            tool("git", "-C", repository, "tag", "-d", self.tree.tag, check=False)
        self.registry.reset()
        self.double.control("/reset", {})
        self.storing(50)

    def storing(self, milliseconds):
        """How long an upload takes at the double; one that is cut off by then leaves a starter asset."""
        self.double.control("/settings", {"storing_ms": milliseconds})

    def starters(self):
        return [a["name"] for r in self.double.state()["releases"] for a in r["assets"]
                if a["state"] == "starter"]

    def start(self):
        return Run(self.tree.command("--key", "home/release.pem", "--remote", self.remote,
                                     "--pace", "0", "--verbose"), self.tree.root,
                   environment(self.tree.home, **self.double.environment()))

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
        for name, digest in tree(self.tree.path("out")).items():
            folder, _, file = name.rpartition("/")
            if folder == "assets" and not file.startswith(".") and digest != finished["out"][name]:
                wrong.append(f"'{name}' has its final name and other bytes")
            if folder.endswith("/sha256") and len(file) == 64 and file != digest:
                wrong.append(f"the blob '{name}' has other bytes")
        return wrong


def difference(got, wanted):
    return {k: (got[k], wanted[k]) for k in wanted if got[k] != wanted[k]}


def undisturbed(world):
    """What a release ends with, and how long each of its steps takes."""
    world.start().wait()  # what the system reads for the first time is read now
    world.reset()
    run = world.start()
    tap.equal("a release that nobody disturbs", run.wait(), 0)
    finished = world.outcome()
    if not tap.ok("... is published with its images", len(finished["releases"]) == 1 and
                  finished["latest"] == world.tree.tag and "latest" in finished["images"], run.log,
                  {k: finished[k] for k in ("releases", "latest", "images")}):
        return None, None
    again = world.start()
    tap.ok("run again it does nothing", again.wait() == 0 and not difference(world.outcome(),
                                                                             finished), again.log)
    return finished, run.took


def draw_aim(pick, last, took, struck):
    """Where the next kill strikes: mostly at or after the step of the last one, so that a release is
    killed in many of its steps before it finishes, and sometimes in one that is done already. Nothing
    when it may finish. The second half of the kills begins with the steps that chance has spared."""
    spared = [step for step in STEPS if step not in struck]
    if spared and sum(struck.values()) >= KILLS / 2:
        return spared[0], 0.0
    if pick.random() < 0.15:
        step = pick.choice(STEPS)
    else:
        there = STEPS.index(last)
        while there < len(STEPS) and pick.random() < 0.35:
            there += 1
        if there == len(STEPS):
            return ()
        step = STEPS[there]
    return step, pick.uniform(0, took[step] * 1.1)


def until(condition):
    """What the condition gives, once that is something."""
    deadline = time.monotonic() + LONGEST
    while not (found := condition()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


def cut_off(world, finished):
    """Killed while files are being uploaded: what is left of them at GitHub is sent again."""
    world.storing(1000)
    run = world.start()
    uploading = until(lambda: world.double.state()["limits"]["uploads"])
    run.process.kill()
    status = run.wait()
    tap.ok("killed while it uploads", uploading and status == -signal.SIGKILL, uploading, run.log)
    tap.ok("... an asset without its bytes is left", until(world.starters))
    world.storing(50)
    run = world.start()
    status = run.wait()
    tap.ok("... and is replaced by the next run", status == 0 and not world.starters() and
           not difference(world.outcome(), finished), run.log)


def stop_in(world, step, number, delay):
    """A run that is stopped by the signal: sent in this step if it can be, which a run may have left
    by the time that it is sent. Sooner each time, and at last with the release made anew."""
    for attempt in range(20):
        if attempt > 5:
            world.reset()
        run = world.start()
        status = run.wait(step, delay / 2 ** attempt, number)
        # What it has finished cannot be stopped any more.
        if status != 0 or run.step not in ("end", STEPS[-1]):
            break
    return run, status


def stop_and_go_on(world, pick, finished, took):
    """One release, stopped in each of its steps in turn."""
    wrong = []
    for i, step in enumerate(STEPS[1:]):
        number = (signal.SIGINT, signal.SIGTERM)[i % 2]
        run, status = stop_in(world, step, number, pick.uniform(0, took[step] / 2))
        where = f"signal {int(number)} in '{run.step}'"
        if status != -number:
            wrong.append(f"{where}: status {status}: {run.log}")
        if "run the same command again" not in run.log:
            wrong.append(f"{where}: it does not say how to go on: {run.log}")
        wrong += [f"{where}: '{name}' is left" for folder in ("out", "cache")
                  for name in tree(world.tree.path(folder)) if name.endswith(".tmp")]
        wrong += [f"{where}: {w}" for w in world.early(finished)]
    run = world.start()
    status = run.wait()
    tap.equal("SIGINT and SIGTERM in every step end it by that signal, no file is left, and the next "
              "run goes on", wrong[:5], [])
    tap.ok("... to the same release", status == 0 and not difference(world.outcome(), finished),
           run.log, difference(world.outcome(), finished))


def on_a_bad_day(world, rude, pick, finished, took):
    """GitHub is rude (tests/doubles/github/rude.mjs), and the registry, while the release is killed. A
    run may also give up, with the status that says to run it again."""
    kills, gave_up, wrong = 0, 0, []
    last = "tag"    # what comes before it asks nobody
    for attempt in range(10 * RUDE_KILLS):
        world.double.control("/rude", {"seed": pick.randrange(1 << 32), "share": 0.1})
        rude.begin(pick.randrange(1 << 32))
        run = world.start()
        aim = (step := pick.choice(STEPS[STEPS.index(last):]), pick.uniform(0, took[step] * 1.1))
        status = run.wait(*(aim if kills < RUDE_KILLS else ()))
        where = f"run {attempt + 1}, in '{run.step}'"
        wrong += [f"{where}: {w}" for w in world.early(finished)]
        if status == -signal.SIGKILL:
            kills, last = kills + 1, max(last, run.step, key=STEPS.index)
        elif status == 5:
            gave_up += 1
        elif status != 0:
            wrong.append(f"{where}: status {status}: {run.log}")
        else:
            found = difference(world.outcome(), finished)
            wrong += [f"{where}: {found}"] if found else []
            if kills >= RUDE_KILLS:
                break
            last = "tag"
            world.reset()
    world.double.control("/rude", {})
    print(f"# what the registry did: {dict(rude.done)}")
    tap.equal(f"on a bad day of GitHub and the registry: killed {kills} times, given up {gave_up} "
              "times, and then the same release and tags", (wrong[:5], kills, status),
              ([], RUDE_KILLS, 0))
    tap.ok("... the registry was rude", sum(rude.done.values()) > RUDE_KILLS, rude.done)


def main(world):
    pick = random.Random(SEED)
    print(f"# TEST_SEED={SEED} KILLS={KILLS}", flush=True)
    finished, took = undisturbed(world)
    if finished is None:
        return
    struck, rounds, wrong, is_finished = collections.Counter(), 0, [], False
    world.reset()
    last = "start"
    while sum(struck.values()) < KILLS or not is_finished:
        run = world.start()
        # After the last kill it runs to its end.
        aim = draw_aim(pick, last, took, struck) if sum(struck.values()) < KILLS else ()
        status = run.wait(*aim)
        is_finished = status != -signal.SIGKILL
        if not is_finished:
            struck[run.step] += 1
            last = max(last, run.step, key=STEPS.index)
            wrong += [f"kill {sum(struck.values())}, in '{run.step}': {w}"
                      for w in world.early(finished)]
            continue
        if status != 0:
            wrong.append(f"after {sum(struck.values())} kills it failed: {run.log}")
            break
        rounds += 1
        found = difference(world.outcome(), finished)
        if found:
            wrong.append(f"round {rounds}: {found}")
        last = "start"
        world.reset()
    print("# kills by step: " + ", ".join(f"{step} {struck[step]}" for step in STEPS))
    tap.equal(f"killed {sum(struck.values())} times in {rounds} releases: nothing public early, no "
              "half file, the same bytes, tags and pages", wrong[:5], [])
    tap.equal("every kill was given", sum(struck.values()), KILLS)
    tap.ok("... no step was spared", KILLS < 100 or set(struck) == set(STEPS), struck)
    cut_off(world, finished)
    world.reset()
    stop_and_go_on(world, pick, finished, took)
    world.reset()
    with world.rude_registry() as rude:
        on_a_bad_day(world, rude, pick, finished, took)


WORLD = World()
try:
    main(WORLD)
finally:
    WORLD.stop()
    shutil.rmtree(WORK)
tap.done()
