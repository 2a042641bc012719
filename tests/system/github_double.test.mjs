// SPDX-License-Identifier: MIT
// The double behaves like GitHub: judged by its client library, its description and recorded answers.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';
import { Octokit } from '@octokit/rest';
import { startDouble } from '../doubles/github/start.mjs';

const started = [];
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function double(...args) {
  const made = await startDouble(...args);
  started.push(made);
  const [owner, repo] = made.repository.split('/');
  const client = new Octokit({ auth: made.token, baseUrl: made.api, log: quiet });
  return { made, client, here: { owner, repo }, repos: client.rest.repos };
}

after(() => Promise.all(started.map((d) => d.stop())));

const sha256 = (text) => `sha256:${createHash('sha256').update(text).digest('hex')}`;

// Every request and answer so far followed GitHub's description.
async function judged(made) {
  const state = await made.state();
  assert.deepEqual(state.violations, []);
  if (process.env.DISTRIBUTOR_TEST_DATA) assert.match(state.judge, /openapi/);
  return state;
}

test('a release through the client library: draft, uploads, digests, publishing, latest', async () => {
  const { made, here, repos } = await double();
  await made.control('/seed', { tags: [{ name: 'v1', commit: 'a'.repeat(40) }] });
  const { data: draft } = await repos.createRelease({ ...here, tag_name: 'v1', name: 'one', body: '# one', draft: true });
  assert.equal(draft.draft, true);
  assert.match(draft.html_url, /untagged-/);
  await assert.rejects(repos.getReleaseByTag({ ...here, tag: 'v1' }), { status: 404 });
  const { data: asset } = await repos.uploadReleaseAsset({ ...here, release_id: draft.id, url: draft.upload_url,
    name: 'a.tar.gz', data: 'bytes', headers: { 'content-type': 'application/gzip' } });
  assert.deepEqual([asset.name, asset.state, asset.size, asset.digest, asset.content_type],
    ['a.tar.gz', 'uploaded', 5, sha256('bytes'), 'application/gzip']);
  const { data: bytes } = await repos.getReleaseAsset({ ...here, asset_id: asset.id, headers: { accept: 'application/octet-stream' } });
  assert.equal(Buffer.from(bytes).toString(), 'bytes');
  const { data: done } = await repos.updateRelease({ ...here, release_id: draft.id, draft: false, make_latest: 'true' });
  assert.equal(done.draft, false);
  assert.match(done.html_url, /tag\/v1$/);
  assert.equal((await repos.getReleaseByTag({ ...here, tag: 'v1' })).data.id, draft.id);
  assert.equal((await repos.getLatestRelease(here)).data.id, draft.id);
  const state = await judged(made);
  assert.equal(state.tags.v1.type, 'tag');
  assert.deepEqual(state.events, ['create v1', 'upload a.tar.gz', 'publish v1', 'latest v1 true', 'update v1']);
});

test('pages of 30 with links that name the repository by number, followed by the client', async () => {
  const { made, client, here, repos } = await double();
  await made.control('/seed', { releases: [{ tag_name: 'v1', draft: true,
    assets: Array.from({ length: 75 }, (_, i) => ({ name: `a${i}`, base64: 'YQ==' })) }] });
  const [release] = (await repos.listReleases(here)).data;
  assert.equal(release.assets.length, 30);
  const first = await repos.listReleaseAssets({ ...here, release_id: release.id });
  assert.equal(first.data.length, 30);
  assert.match(first.headers.link, /<[^>]*\/repositories\/\d+\/releases\/\d+\/assets\?per_page=30&page=2>; rel="next", <[^>]*page=3>; rel="last"/);
  const all = await client.paginate(repos.listReleaseAssets, { ...here, release_id: release.id });
  assert.equal(new Set(all.map((a) => a.name)).size, 75);
  await judged(made);
});

test('drafts are shown to those who may push, and to nobody else', async () => {
  const { made, here } = await double('--read-token', 'ghs_double_reads_only');
  await made.control('/seed', { releases: [{ tag_name: 'v1', draft: true }] });
  const reader = new Octokit({ auth: 'ghs_double_reads_only', baseUrl: made.api, log: quiet });
  const anyone = new Octokit({ baseUrl: made.api, log: quiet });
  const stranger = new Octokit({ auth: 'ghs_no_such_token', baseUrl: made.api, log: quiet });
  for (const client of [reader, anyone]) assert.deepEqual((await client.rest.repos.listReleases(here)).data, []);
  await assert.rejects(reader.rest.repos.createRelease({ ...here, tag_name: 'v2' }), { status: 403, message: /not accessible by integration/ });
  await assert.rejects(anyone.rest.repos.createRelease({ ...here, tag_name: 'v2' }), { status: 401 });
  await assert.rejects(stranger.rest.repos.listReleases(here), { status: 401, message: /Bad credentials/ });
  await judged(made);
});

test('refusals: double names, published twice, bad values, renamed assets', async () => {
  const { made, here, repos } = await double();
  const { data: draft } = await repos.createRelease({ ...here, tag_name: 'v1', draft: true });
  const upload = (name) => repos.uploadReleaseAsset({ ...here, release_id: draft.id, url: draft.upload_url, name, data: 'x' });
  assert.equal((await upload('a b(1).txt')).data.name, 'a.b.1..txt');
  const conflict = await upload('a b(1).txt').catch((e) => e);
  assert.deepEqual([conflict.status, conflict.response.data.errors],
    [422, [{ resource: 'ReleaseAsset', code: 'already_exists', field: 'name' }]]);
  await repos.updateRelease({ ...here, release_id: draft.id, draft: false });
  const twice = await repos.createRelease({ ...here, tag_name: 'v1' }).catch((e) => e);
  assert.deepEqual([twice.status, twice.response.data.errors[0].code], [422, 'already_exists']);
  assert.equal((await repos.createRelease({ ...here, tag_name: 'v1', draft: true })).status, 201);
  await judged(made);
});

test('the description refuses what GitHub refuses', { skip: !process.env.DISTRIBUTOR_TEST_DATA && 'no DISTRIBUTOR_TEST_DATA' }, async () => {
  const { made, here, repos } = await double();
  const bad = await repos.createRelease({ ...here, tag_name: 'v1', make_latest: 'sometimes' }).catch((e) => e);
  assert.equal(bad.status, 422);
  assert.match(bad.message, /make_latest must be equal to one of the allowed values/);
  const { data: draft } = await repos.createRelease({ ...here, tag_name: 'v1', draft: true });
  const nameless = await fetch(draft.upload_url.replace(/\{.*/, ''), { method: 'POST', body: 'x',
    headers: { authorization: `Bearer ${made.token}`, 'content-type': 'text/plain' } });
  assert.equal(nameless.status, 422);
  assert.equal((await made.state()).violations.length, 2);
});

test('immutable releases: nothing changes after publishing, and the tag name is burned', async () => {
  const { made, here, repos } = await double();
  await made.control('/settings', { immutable: true });
  const { data: draft } = await repos.createRelease({ ...here, tag_name: 'v1', draft: true });
  await repos.uploadReleaseAsset({ ...here, release_id: draft.id, url: draft.upload_url, name: 'a', data: 'x' });
  const { data: done } = await repos.updateRelease({ ...here, release_id: draft.id, draft: false });
  assert.equal(done.immutable, true);
  await assert.rejects(repos.uploadReleaseAsset({ ...here, release_id: draft.id, url: draft.upload_url, name: 'b', data: 'x' }),
    { status: 422, message: /Cannot upload assets to an immutable release\./ });
  await repos.deleteRelease({ ...here, release_id: draft.id });
  await assert.rejects(repos.createRelease({ ...here, tag_name: 'v1' }), { status: 422, message: /Validation Failed/ });
  await judged(made);
});

test('tags by the API; publishing without one makes a lightweight tag', async () => {
  const { made, client, here, repos } = await double();
  const { git } = client.rest;
  const { data: object } = await git.createTag({ ...here, tag: 'v1', message: 'one', object: 'b'.repeat(40), type: 'commit' });
  await git.createRef({ ...here, ref: 'refs/tags/v1', sha: object.sha });
  const { data: ref } = await git.getRef({ ...here, ref: 'tags/v1' });
  assert.deepEqual([ref.object.type, ref.object.sha], ['tag', object.sha]);
  assert.equal((await git.getTag({ ...here, tag_sha: object.sha })).data.object.sha, 'b'.repeat(40));
  await repos.createRelease({ ...here, tag_name: 'v2', target_commitish: 'c'.repeat(40) });
  assert.equal((await git.getRef({ ...here, ref: 'tags/v2' })).data.object.type, 'commit');
  await assert.rejects(git.getRef({ ...here, ref: 'tags/v3' }), { status: 404 });
  await judged(made);
});

test('what goes wrong on command does, once, and is written down', async () => {
  const { made, here, repos } = await double();
  const { data: draft } = await repos.createRelease({ ...here, tag_name: 'v1', draft: true });
  const upload = (name) => repos.uploadReleaseAsset({ ...here, release_id: draft.id, url: draft.upload_url, name, data: 'xxxx' });
  const assets = async () => (await repos.listReleaseAssets({ ...here, release_id: draft.id })).data;
  const fault = (f) => made.control('/faults', f);
  await fault({ method: 'POST', path: '/assets$', do: 'starter' });
  await assert.rejects(upload('s'), { status: 502 });
  assert.deepEqual((await assets()).map((a) => [a.name, a.state, a.size, a.digest]), [['s', 'starter', 0, null]]);
  await fault({ path: '/assets$', name: '^later$', do: 'answer-after', status: 502 });
  await assert.rejects(upload('later'), { status: 502 });
  assert.equal((await assets()).at(-1).state, 'uploaded');
  await fault({ path: '/assets$', name: '^flip$', do: 'corrupt' });
  assert.notEqual((await upload('flip')).data.digest, sha256('xxxx'));
  await fault({ path: '/assets$', name: '^null$', do: 'digest', value: null });
  assert.equal((await upload('null')).data.digest, null);
  for (const action of ['cut', 'cut-midway', 'cut-after', 'cut-answer']) {
    await fault({ path: '/assets$', name: `^${action}$`, do: action });
    await assert.rejects(async () => {
      const answer = await fetch(draft.upload_url.replace(/\{.*/, `?name=${action}`), { method: 'POST', body: 'xxxx',
        headers: { authorization: `Bearer ${made.token}`, 'content-type': 'text/plain' } });
      return answer.json();
    });
  }
  assert.deepEqual((await assets()).map((a) => a.name), ['s', 'later', 'flip', 'null', 'cut-after', 'cut-answer']);
  await fault({ method: 'GET', path: '/releases$', do: 'secondary-limit', status: 429, seconds: 7 });
  const limited = await repos.listReleases(here).catch((e) => e);
  assert.deepEqual([limited.status, limited.response.headers['retry-after']], [429, '7']);
  await fault({ method: 'GET', path: '/releases$', do: 'primary-limit', seconds: 3 });
  const exhausted = await repos.listReleases(here).catch((e) => e);
  assert.deepEqual([exhausted.status, exhausted.response.headers['x-ratelimit-remaining']], [403, '0']);
  const state = await judged(made);
  assert.equal(state.faults_left, 0);
  assert.equal(state.faults.length, 10);
});

test('requests that create content are counted and limited', async () => {
  const { made, here, repos } = await double();
  await made.control('/content-limit', { count: 2, retry_after: 9 });
  for (const tag of ['v1', 'v2']) await repos.createRelease({ ...here, tag_name: tag, draft: true });
  const third = await repos.createRelease({ ...here, tag_name: 'v3', draft: true }).catch((e) => e);
  assert.deepEqual([third.status, third.response.headers['retry-after']], [403, '9']);
  assert.match(third.message, /secondary rate limit/);
});

// The same requests as a recording, on a double that has the recorded repository: the same statuses,
// and answers of the same shape.
const shape = (value) => (Array.isArray(value) ? value.map(shape)
  : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).sort().map(([k, v]) => [k, shape(v)]))
    : value === null ? 'null' : typeof value);
const newer = new Set(['digest', 'immutable', 'updated_at', 'status']); // came after the recordings

function sameShape(ours, recorded, where) {
  if (typeof recorded !== 'object') return assert.equal(ours, recorded, where);
  if (Array.isArray(recorded)) {
    assert.ok(Array.isArray(ours), where);
    return recorded.forEach((item, i) => i < ours.length && sameShape(ours[i], item, `${where}[${i}]`));
  }
  const added = Object.keys(ours).filter((k) => !(k in recorded) && !newer.has(k));
  assert.deepEqual(added, [], `${where}: only ours`);
  for (const [key, value] of Object.entries(recorded)) {
    assert.ok(key in ours, `${where}.${key} is missing`);
    sameShape(ours[key], value, `${where}.${key}`);
  }
  return undefined;
}

for (const name of ['release-assets', 'release-assets-conflict']) {
  test(`answers have the shape of the recorded ones: ${name}`, async () => {
    const file = createRequire(import.meta.url).resolve(`@octokit/fixtures/scenarios/api.github.com/${name}/normalized-fixture.json`);
    const steps = JSON.parse(readFileSync(file, 'utf8'));
    const { made } = await double('--repository', `octokit-fixture-org/${name}`);
    const assets = name.endsWith('conflict')
      ? [{ name: 'test-upload.txt', label: 'test', base64: 'SGVsbG8sIHdvcmxkIQo=', contentType: 'text/plain' }] : [];
    const [releaseId] = await made.control('/seed', { releases: [{ tag_name: 'v1.0.0', name: 'Version 1.0.0', assets }] });
    let assetId = releaseId + 1;
    for (const step of steps) {
      const path = step.path.replace('/releases/1000', `/releases/${releaseId}`).replace('/assets/1000', `/assets/${assetId}`);
      const upload = /uploads\./.test(step.scope);
      const answer = await fetch((upload ? made.uploads : made.api) + path, {
        method: step.method.toUpperCase(), redirect: 'manual',
        headers: { authorization: `token ${made.token}`, 'user-agent': 'test', 'content-type': upload ? 'text/plain' : 'application/json' },
        ...(step.body !== '' && { body: typeof step.body === 'string' ? step.body : JSON.stringify(step.body) }),
      });
      const where = `${step.method} ${path}`;
      assert.equal(answer.status, step.status, where);
      const text = await answer.text();
      if (step.status === 204) continue;
      const body = JSON.parse(text);
      sameShape(shape(body), shape(step.response), where);
      if (answer.status === 201) assetId = body.id;
      if (answer.status === 422) assert.deepEqual(body.errors, step.response.errors);
    }
    await judged(made);
  });
}
