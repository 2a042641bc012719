# SPDX-License-Identifier: MIT
"""Plays a GitHub workflow on this machine: each job in a clean directory with a home of its own, each
step as a process of its own, and nothing handed from job to job but outputs and artifacts.

Actions are played by what they are used for here: checkout clones, upload- and download-artifact
copy. Every other one is written down and passed over. A container's apt-get installs nothing.

A job in a container has the rights of the real one: it is root with the capabilities that docker
leaves (all of them with --privileged), the workspace and the home /github/home belong to the runner's
user, and steps run in sh; without a container they run in bash, as that runner does it.
"""
import glob
import json
import os
import re
import shutil
import subprocess

# The runner's user, to whom everything belongs that is mounted into a container.
RUNNER_UID = 1001
# What docker leaves to root in a container: 00000000a80425fb.
DOCKER_CAPABILITIES = ("chown", "dac_override", "fowner", "fsetid", "kill", "setgid", "setuid",
                       "setpcap", "net_bind_service", "net_raw", "sys_chroot", "mknod", "audit_write",
                       "setfcap")
NODE = os.path.join(os.environ["SOURCE_DIR"], "tests")


def read_yaml(path):
    script = ("import { parse } from 'yaml'; import { readFileSync } from 'node:fs';"
              "console.log(JSON.stringify(parse(readFileSync(process.argv[1], 'utf8'))))")
    run = subprocess.run(["node", "--input-type=module", "-e", script, path], cwd=NODE, check=True,
                         capture_output=True, text=True)
    return json.loads(run.stdout)


class Failed(Exception):
    pass


def give_to_runner(*directories):
    """The tops are what git, ssh and others look at."""
    if os.geteuid() == 0:
        for directory in directories:
            os.chown(directory, RUNNER_UID, RUNNER_UID)


def rights_of(job):
    """The command that runs a step's script."""
    if "container" not in job:
        return ["bash"]
    if os.geteuid() != 0 or "--privileged" in job["container"].get("options", ""):
        return ["sh"]
    kept = ",".join(f"+{name}" for name in DOCKER_CAPABILITIES)
    return ["setpriv", f"--bounding-set=-all,{kept}", f"--inh-caps=-all,{kept}", "--", "sh"]


class Player:
    """`context`: github, inputs, secrets. `environment`: what a runner gives every step. `rewrite`:
    pairs of words in the scripts and what stands in for them. `programs`: scripts by name, which
    stand in for programs of the runner."""

    def __init__(self, workflow, scratch, repository, context, environment, rewrite=(),
                 programs=None):
        self.workflow = read_yaml(workflow)
        self.rewrite = rewrite
        self.scratch, self.repository = scratch, repository
        self.context = {"needs": {}, "inputs": {}, "secrets": {}, **context}
        self.environment = environment
        self.artifacts = {}
        self.passed_over = []
        self.skipped = []
        self.log = []
        os.makedirs(scratch, exist_ok=True)
        self.shims = os.path.join(scratch, "shims")
        os.makedirs(self.shims)
        # Whoever asks for packages of its own brings a configuration.
        apt_get = f'[ -z "${{APT_CONFIG-}}" ] || exec {shutil.which("apt-get")} "$@"\n'
        for name, script in {"apt-get": apt_get, **(programs or {})}.items():
            with open(os.path.join(self.shims, name), "w", encoding="utf-8") as file:
                file.write(f"#!/bin/sh\n{script}")
            os.chmod(file.name, 0o755)

    def look_up(self, path, context):
        for key in path.split("."):
            context = (context or {}).get(key)
        return context

    def expand(self, value, context):
        """Names joined by ||, and fromJSON(name): all that these workflows use."""
        if isinstance(value, dict):
            return {key: self.expand(item, context) for key, item in value.items()}
        if not isinstance(value, str):
            return value

        def one(match):
            for name in match.group(1).split("||"):
                found = self.look_up(name.strip(), context)
                if found:
                    return str(found).lower() if found is True else str(found)
            return ""

        whole = re.fullmatch(r"\$\{\{\s*fromJSON\(([\w.-]+)\)\s*\}\}", value)
        if whole:
            return json.loads(self.look_up(whole.group(1), context))
        return re.sub(r"\$\{\{(.*?)\}\}", one, value)

    def holds(self, item, context):
        """Whether a job or step is to be played: NAME != '' is all that these workflows ask."""
        if "if" not in item:
            return True
        return bool(self.look_up(re.fullmatch(r"([\w.-]+) != ''", item["if"]).group(1), context))

    def play(self):
        done = set()
        while len(done) < len(self.workflow["jobs"]):
            for name, job in self.workflow["jobs"].items():
                needs = job.get("needs", [])
                needs = [needs] if isinstance(needs, str) else needs
                if name in done or not done.issuperset(needs):
                    continue
                if set(needs) & set(self.skipped) or not self.holds(job, self.context):
                    self.skipped.append(name)
                else:
                    self.play_job(name, job, needs)
                done.add(name)

    def play_job(self, name, job, needs):
        context = {**self.context, "needs": {n: self.context["needs"].get(n) for n in needs}}
        rows = [{}]
        if "strategy" in job:
            rows = self.expand(job["strategy"]["matrix"], context)["include"]
        for row in rows:
            outputs = self.play_one(name, job, {**context, "matrix": row, "steps": {}})
            self.context["needs"][name] = {"outputs": outputs}

    def play_one(self, name, job, context):
        where = os.path.join(self.scratch, "-".join([name, *context["matrix"].values()][:2]))
        work, home = os.path.join(where, "work"), os.path.join(where, "github", "home")
        temporary = os.path.join(where, "temp")
        for directory in (work, home, temporary):
            os.makedirs(directory)
        env = {"PATH": f"{self.shims}:{os.environ['PATH']}", "HOME": home, "CI": "true",
               "RUNNER_TEMP": temporary, "GITHUB_WORKSPACE": work,
               "GITHUB_STEP_SUMMARY": os.path.join(where, "summary"), **self.environment,
               **self.expand(self.workflow.get("env", {}), context),
               **self.expand(job.get("env", {}), context)}
        # A job without a container is the runner's user all along.
        in_container = "container" in job
        if in_container:
            give_to_runner(work, home, temporary)
        for step in job["steps"]:
            if self.holds(step, context):
                self.play_step(name, step, context, work, env, rights_of(job))
                if in_container and "uses" in step:
                    give_to_runner(work)
        return self.expand(job.get("outputs", {}), context)

    def play_step(self, job, step, context, work, env, rights):
        if "uses" in step:
            self.play_action(step, self.expand(step.get("with", {}), context), work)
            return
        output = os.path.join(env["RUNNER_TEMP"], "output")
        step_env = {**env, "GITHUB_OUTPUT": output, **self.expand(step.get("env", {}), context)}
        script = step["run"]
        for word, other in self.rewrite:
            script = script.replace(word, other)
        run = subprocess.run([*rights, "-e", "-c", script], cwd=work, env=step_env, text=True,
                             stdin=subprocess.DEVNULL, capture_output=True, timeout=300)
        self.log.append((job, step["name"], run.stdout + run.stderr))
        if run.returncode != 0:
            raise Failed(f"{job}: {step['name']}: exit {run.returncode}\n{run.stdout}{run.stderr}")
        if "id" in step and os.path.exists(output):
            with open(output, encoding="utf-8") as file:
                pairs = dict(line.rstrip("\n").split("=", 1) for line in file)
            os.unlink(output)
            context["steps"][step["id"]] = {"outputs": pairs}

    def play_action(self, step, options, work):
        action = step["uses"].split("@")[0]
        if action == "actions/checkout":
            self.check_out(options.get("ref"), work)
        elif action == "actions/upload-artifact":
            assert options["name"] not in self.artifacts, f"{options['name']} is there already"
            kept = os.path.join(self.scratch, "artifacts", options["name"])
            os.makedirs(kept)
            path = os.path.join(work, options["path"])
            for file in glob.glob(os.path.join(path, "*")) if os.path.isdir(path) else [path]:
                shutil.copyfile(file, os.path.join(kept, os.path.basename(file)))
            self.artifacts[options["name"]] = kept
        elif action == "actions/download-artifact":
            target = os.path.join(work, options.get("path", "."))
            pattern = re.compile(options.get("pattern", options.get("name")).replace("*", ".*"))
            found = [kept for name, kept in self.artifacts.items() if pattern.fullmatch(name)]
            assert found, f"no artifact {options}"
            os.makedirs(target, exist_ok=True)
            for kept in found:
                for path in glob.glob(os.path.join(kept, "*")):
                    shutil.copyfile(path, os.path.join(target, os.path.basename(path)))
        else:
            self.passed_over.append(action)

    def check_out(self, ref, work):
        commands = [["init", "-q"], ["remote", "add", "origin", self.repository]]
        if ref is None:
            commands += [["fetch", "-q", "--no-tags", "--depth=1", "origin", "main"],
                         ["checkout", "-q", "-B", "main", "FETCH_HEAD"]]
        else:
            # As the real one does at worst: a lightweight tag in the annotated one's place.
            tag = ref.removeprefix("refs/tags/")
            commands += [["fetch", "-q", "--no-tags", "origin", f"refs/tags/{tag}"],
                         ["checkout", "-q", "--detach", "FETCH_HEAD"], ["tag", tag]]
        for command in commands:
            # The action trusts the directory for as long as it works there itself.
            subprocess.run(["git", "-c", f"safe.directory={work}", *command], cwd=work, check=True)
