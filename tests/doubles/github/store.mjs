// SPDX-License-Identifier: MIT
// What the double keeps: one repository's tags, releases and assets, and GitHub's rules about them.
import { createHash, randomBytes } from 'node:crypto';

export const MAX_ASSETS = 1000;
export const MAX_ASSET_BYTES = 2 ** 31;

// An answer that is not a success. `extra` goes into the JSON beside the message.
export class Refusal extends Error {
  constructor(status, message, extra = {}, headers = {}) {
    super(message);
    this.status = status;
    this.body = { message, ...extra, documentation_url: 'https://docs.github.com/rest', status: String(status) };
    this.headers = headers;
  }
}

export function invalid(resource, code, field, message) {
  const error = { resource, code, field, ...(message && { message }) };
  return new Refusal(422, 'Validation Failed', { errors: [error] });
}

export const notFound = () => new Refusal(404, 'Not Found');

export function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}

// GitHub replaces characters in names without a word.
export function storedName(name) {
  return name.replace(/[~:() ]/g, '.').replace(/[^A-Za-z0-9._+@-]/g, '.').replace(/^\.+/, 'default.');
}

function validTag(tag) {
  return typeof tag === 'string' && tag !== '' && !/[\0-\x20~^:?*[\\\x7f]|\.\.|@\{|^[/-]|[/.]$|\.lock$/.test(tag);
}

// Annotated and lightweight tags in memory. Sha values are of made-up objects.
export class MemoryTags {
  constructor() {
    this.refs = new Map(); // name -> { sha, type, commit, message }
    this.objects = new Map(); // sha of a tag object -> { tag, message, object, tagger }
  }

  get(name) {
    return this.refs.get(name);
  }

  list() {
    return [...this.refs.keys()].sort();
  }

  createObject({ tag, message, object, type = 'commit', tagger }) {
    const sha = createHash('sha1').update(JSON.stringify([tag, message, object, tagger])).digest('hex');
    this.objects.set(sha, { sha, tag, message, object: { sha: object, type },
      tagger: tagger ?? { name: 'octocat', email: 'octocat@example.org', date: '2020-01-01T00:00:00Z' } });
    return this.objects.get(sha);
  }

  object(sha) {
    return this.objects.get(sha);
  }

  set(name, sha) {
    const object = this.objects.get(sha);
    this.refs.set(name, { sha, type: object ? 'tag' : 'commit', commit: object ? object.object.sha : sha });
  }

  delete(name) {
    return this.refs.delete(name);
  }
}

export class Store {
  constructor({ owner, repo, tags = new MemoryTags() }) {
    this.owner = owner;
    this.repo = repo;
    this.tags = tags;
    this.repositoryId = 4242;
    this.settings = {
      immutable: false, // releases become immutable when they are published
      redirect_downloads: true, // asset bytes come from another host
      storing_ms: 0, // after an upload; who is gone by then leaves an empty asset, as may be at GitHub
      digests: true, // false: the field digest is null, as for old assets
      workflow_commits: [], // commits that change workflows, which an integration may not release
      page_size: 100, // the largest page that is given
    };
    this.releases = [];
    this.burned = new Set(); // tag names of immutable releases, for ever
    this.latestId = null;
    this.events = [];
    this.nextId = 1000;
    this.clock = Date.parse('2024-01-01T00:00:00Z');
  }

  // Every change gets its own second, so that orders by time are certain.
  now() {
    this.clock += 1000;
    return new Date(this.clock).toISOString().replace('.000', '');
  }

  event(what) {
    this.events.push(what);
  }

  find(id) {
    return this.releases.find((r) => r.id === Number(id));
  }

  findAsset(id) {
    for (const release of this.releases)
      for (const asset of release.assets) if (asset.id === Number(id)) return { release, asset };
    return null;
  }

  // Whether the release under this path has been published: until then nobody should wait for it.
  wasPublished(path) {
    return this.published(decodeURIComponent(path.split('/').at(-1))) !== undefined;
  }

  published(tag) {
    return this.releases.find((r) => r.tag_name === tag && !r.draft);
  }

  latest() {
    const candidates = this.releases.filter((r) => !r.draft && !r.prerelease);
    return candidates.find((r) => r.id === this.latestId) ??
      candidates.sort((a, b) => b.created_at.localeCompare(a.created_at) || b.id - a.id)[0];
  }

  checkTarget(fields, tag) {
    const target = fields.target_commitish;
    if (target && !this.tags.get(tag) && this.settings.workflow_commits.includes(target))
      throw new Refusal(403, 'Resource not accessible by integration');
  }

  createRelease(fields) {
    if (!validTag(fields.tag_name)) throw invalid('Release', 'custom', 'tag_name', 'tag_name is not a valid tag');
    this.checkTarget(fields, fields.tag_name);
    const time = this.now();
    const release = {
      id: this.nextId++, tag_name: fields.tag_name, target_commitish: fields.target_commitish ?? 'main',
      name: fields.name ?? '', body: fields.body ?? '', draft: true, prerelease: fields.prerelease ?? false,
      immutable: false, created_at: time, updated_at: time, published_at: null, assets: [],
      untagged: `untagged-${randomBytes(10).toString('hex')}`,
    };
    // A draft may share its tag with another draft or release; a published release may not.
    if (fields.draft !== true) this.publish(release, fields.make_latest);
    this.releases.push(release);
    this.event(`create ${release.tag_name}`);
    return release;
  }

  publish(release, makeLatest) {
    if (this.burned.has(release.tag_name))
      throw invalid('Release', 'custom', 'tag_name', 'tag_name was used by an immutable release');
    const other = this.published(release.tag_name);
    if (other && other !== release) throw invalid('Release', 'already_exists', 'tag_name');
    if (!this.tags.get(release.tag_name)) {
      this.tags.set(release.tag_name, sha256(release.target_commitish).slice(0, 40));
      this.event(`lightweight tag ${release.tag_name}`);
    }
    release.draft = false;
    release.published_at = this.now();
    release.at_publication = release.assets.map((a) => `${a.name} ${a.state} ${a.size} ${a.sha256}`).sort();
    if (this.settings.immutable) {
      release.immutable = true;
      this.burned.add(release.tag_name);
    }
    this.event(`publish ${release.tag_name}`);
    this.setLatest(release, makeLatest ?? 'true');
  }

  setLatest(release, makeLatest) {
    if (makeLatest === 'true' && !release.prerelease) this.latestId = release.id;
    else if (makeLatest === 'false' && this.latestId === release.id) this.latestId = null;
    else return;
    this.event(`latest ${release.tag_name} ${makeLatest}`);
  }

  updateRelease(release, fields) {
    if (release.immutable && fields.tag_name !== undefined && fields.tag_name !== release.tag_name)
      throw new Refusal(422, 'Cannot change the tag of an immutable release.');
    if (release.immutable && fields.draft === true)
      throw new Refusal(422, 'Cannot convert an immutable release to a draft.');
    this.checkTarget(fields, fields.tag_name ?? release.tag_name);
    for (const key of ['tag_name', 'target_commitish', 'name', 'body', 'prerelease'])
      if (fields[key] !== undefined) release[key] = fields[key];
    if (fields.draft === false && release.draft) this.publish(release, fields.make_latest);
    else if (fields.make_latest !== undefined && !release.draft) this.setLatest(release, fields.make_latest);
    if (fields.draft === true) release.draft = true;
    release.updated_at = this.now();
    this.event(`update ${release.tag_name}`);
    return release;
  }

  deleteRelease(release) {
    this.releases = this.releases.filter((r) => r !== release);
    this.event(`delete release ${release.tag_name}`);
  }

  // Checks what can be known before the bytes are there.
  checkUpload(release, name, size) {
    if (release.immutable) throw new Refusal(422, 'Cannot upload assets to an immutable release.');
    if (release.assets.length >= MAX_ASSETS)
      throw invalid('ReleaseAsset', 'custom', 'file_count', `file_count limited to ${MAX_ASSETS} assets per release`);
    if (size === 0) throw invalid('ReleaseAsset', 'custom', 'size', 'size must be greater than or equal to 1');
    if (size >= MAX_ASSET_BYTES)
      throw invalid('ReleaseAsset', 'custom', 'size', `size must be less than or equal to ${MAX_ASSET_BYTES}`);
    if (release.assets.some((a) => a.name === storedName(name)))
      throw invalid('ReleaseAsset', 'already_exists', 'name');
  }

  addAsset(release, { name, label, contentType, bytes, state = 'uploaded', digest }) {
    const time = this.now();
    const hash = sha256(bytes);
    const asset = {
      id: this.nextId++, name: storedName(name), label: label ?? '', state, content_type: contentType,
      size: state === 'uploaded' ? bytes.length : 0, bytes, sha256: hash, created_at: time, updated_at: time,
      digest: digest !== undefined ? digest : this.settings.digests && state === 'uploaded' ? `sha256:${hash}` : null,
      download_count: 0,
    };
    release.assets.push(asset);
    this.event(state === 'uploaded' ? `upload ${asset.name}` : `${state} ${asset.name}`);
    return asset;
  }

  updateAsset(release, asset, fields) {
    if (release.immutable) throw new Refusal(422, 'Cannot update assets of an immutable release.');
    if (fields.name !== undefined && fields.name !== asset.name &&
        release.assets.some((a) => a.name === storedName(fields.name)))
      throw invalid('ReleaseAsset', 'already_exists', 'name');
    if (fields.name !== undefined) asset.name = storedName(fields.name);
    if (fields.label !== undefined) asset.label = fields.label;
    asset.updated_at = this.now();
    return asset;
  }

  deleteAsset(release, asset) {
    if (release.immutable) throw new Refusal(422, 'Cannot delete assets of an immutable release.');
    release.assets = release.assets.filter((a) => a !== asset);
    this.event(`delete ${asset.name}`);
  }

  // Everything that a test may want to compare, without bytes.
  dump() {
    return {
      settings: this.settings,
      tags: Object.fromEntries(this.tags.list().map((name) => [name, this.tags.get(name)])),
      latest: this.latest()?.tag_name ?? null,
      releases: this.releases.map(({ assets, ...release }) => ({
        ...release, assets: assets.map(({ bytes, ...asset }) => asset),
      })),
      events: this.events,
    };
  }
}
