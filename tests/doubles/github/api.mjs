// SPDX-License-Identifier: MIT
// The REST routes of one repository over a Store, as JSON that follows GitHub's description.
import { Refusal, invalid, notFound, storedName } from './store.mjs';

const PERMISSION = 'Resource not accessible by integration';

export class Api {
  // `urls`: { api, uploads, web, storage }, without a slash at their ends.
  constructor(store, urls) {
    this.store = store;
    this.urls = urls;
    this.slug = `${store.owner}/${store.repo}`;
  }

  user() {
    const url = `${this.urls.api}/users/github-actions%5Bbot%5D`;
    return {
      login: 'github-actions[bot]', id: 41898282, node_id: 'MDM6Qm90NDE4OTgyODI=', gravatar_id: '', type: 'Bot',
      avatar_url: `${this.urls.web}/in/15368`, url, html_url: `${this.urls.web}/apps/github-actions`,
      followers_url: `${url}/followers`, following_url: `${url}/following{/other_user}`, gists_url: `${url}/gists{/gist_id}`,
      starred_url: `${url}/starred{/owner}{/repo}`, subscriptions_url: `${url}/subscriptions`,
      organizations_url: `${url}/orgs`, repos_url: `${url}/repos`, events_url: `${url}/events{/privacy}`,
      received_events_url: `${url}/received_events`, site_admin: false,
    };
  }

  node(kind, id) {
    return Buffer.from(`${kind}${id}`).toString('base64');
  }

  // Drafts live under a name that nobody can guess until they are published.
  place(release) {
    return release.draft ? release.untagged : encodeURIComponent(release.tag_name);
  }

  asset(release, asset) {
    return {
      url: `${this.urls.api}/repos/${this.slug}/releases/assets/${asset.id}`, id: asset.id,
      node_id: this.node('RA_', asset.id), name: asset.name, label: asset.label, uploader: this.user(),
      content_type: asset.content_type, state: asset.state, size: asset.size, digest: asset.digest,
      download_count: asset.download_count, created_at: asset.created_at, updated_at: asset.updated_at,
      browser_download_url: `${this.urls.web}/${this.slug}/releases/download/${this.place(release)}/${asset.name}`,
    };
  }

  release(release) {
    const url = `${this.urls.api}/repos/${this.slug}/releases/${release.id}`;
    const archive = (kind) => (release.draft ? null : `${this.urls.api}/repos/${this.slug}/${kind}/${release.tag_name}`);
    return {
      url, assets_url: `${url}/assets`,
      upload_url: `${this.urls.uploads}/repos/${this.slug}/releases/${release.id}/assets{?name,label}`,
      html_url: `${this.urls.web}/${this.slug}/releases/tag/${this.place(release)}`, id: release.id,
      author: this.user(), node_id: this.node('RE_', release.id), tag_name: release.tag_name,
      target_commitish: release.target_commitish, name: release.name, draft: release.draft,
      immutable: release.immutable, prerelease: release.prerelease, created_at: release.created_at,
      updated_at: release.updated_at, published_at: release.published_at,
      // The list inside a release is cut; only the list of assets has pages.
      assets: release.assets.slice(0, 30).map((a) => this.asset(release, a)),
      tarball_url: archive('tarball'), zipball_url: archive('zipball'), body: release.body,
    };
  }

  page(items, query, path) {
    const size = Math.min(Math.max(1, Number(query.per_page ?? 30) || 30), this.store.settings.page_size);
    const page = Math.max(1, Number(query.page ?? 1) || 1);
    const last = Math.max(1, Math.ceil(items.length / size));
    // GitHub's links name the repository by number, wherever the first request went.
    const base = `${this.urls.api}/repositories/${this.store.repositoryId}/${path}?per_page=${size}`;
    const links = [['prev', page - 1], ['next', page + 1], ['last', last], ['first', 1]].filter(([rel, n]) =>
      (rel === 'prev' || rel === 'first' ? page > 1 : page < last) && n >= 1);
    return {
      status: 200, body: items.slice((page - 1) * size, page * size),
      headers: links.length ? { link: links.map(([rel, n]) => `<${base}&page=${n}>; rel="${rel}"`).join(', ') } : {},
    };
  }

  // Finds the route. `request`: { method, path, query, body, push, headers }.
  handle(request) {
    const prefix = `/repos/${this.slug}/`.toLowerCase();
    if (!request.path.toLowerCase().startsWith(prefix)) throw notFound();
    const rest = request.path.slice(prefix.length);
    const [kind] = rest.split('/');
    if (request.method !== 'GET') {
      if (!request.authorized) throw new Refusal(401, 'Requires authentication');
      if (!request.push) throw new Refusal(403, PERMISSION);
    }
    if (kind === 'git') return this.git(request, decodeURIComponent(rest.slice(4)));
    if (kind !== 'releases') throw notFound();
    return this.releases(request, rest.split('/').slice(1).map(decodeURIComponent));
  }

  releases(request, [first, second, third]) {
    const { method, body, query, push } = request;
    if (first === undefined || first === '') {
      if (method === 'POST') return { status: 201, body: this.release(this.store.createRelease(body)) };
      const seen = this.store.releases.filter((r) => push || !r.draft)
        .sort((a, b) => b.created_at.localeCompare(a.created_at) || b.id - a.id);
      return this.page(seen.map((r) => this.release(r)), query, 'releases');
    }
    if (first === 'latest') return this.found(this.store.latest());
    if (first === 'tags') return this.found(this.store.published(second));
    if (first === 'generate-notes') return this.notes(body);
    if (first === 'assets') return this.oneAsset(request, second);
    const release = this.store.find(first);
    if (!release || (release.draft && !push)) throw notFound();
    if (second === undefined) return this.oneRelease(request, release);
    if (second === 'assets' && third === undefined && method === 'GET')
      return this.page(release.assets.map((a) => this.asset(release, a)), query, `releases/${release.id}/assets`);
    throw notFound();
  }

  found(release) {
    if (!release) throw notFound();
    return { status: 200, body: this.release(release) };
  }

  oneRelease({ method, body }, release) {
    if (method === 'PATCH') return { status: 200, body: this.release(this.store.updateRelease(release, body)) };
    if (method === 'DELETE') {
      this.store.deleteRelease(release);
      return { status: 204 };
    }
    return { status: 200, body: this.release(release) };
  }

  oneAsset({ method, body, push, headers }, id) {
    const found = this.store.findAsset(id);
    if (!found || (found.release.draft && !push)) throw notFound();
    const { release, asset } = found;
    if (method === 'PATCH') return { status: 200, body: this.asset(release, this.store.updateAsset(release, asset, body)) };
    if (method === 'DELETE') {
      this.store.deleteAsset(release, asset);
      return { status: 204 };
    }
    if (headers.accept !== 'application/octet-stream') return { status: 200, body: this.asset(release, asset) };
    asset.download_count++;
    if (this.store.settings.redirect_downloads)
      return { status: 302, headers: { location: `${this.urls.storage}/${asset.id}?sig=for-this-file-only` } };
    return { status: 200, bytes: asset.bytes, headers: { 'content-type': asset.content_type } };
  }

  notes({ tag_name: tag, previous_tag_name: previous }) {
    const range = previous ? `${previous}...${tag}` : `commits/${tag}`;
    return { status: 200, body: { name: tag, body: `**Full Changelog**: ${this.urls.web}/${this.slug}/compare/${range}` } };
  }

  // `request` of the upload host: { id, query, bytes, contentType, fault }.
  upload({ id, query, bytes, contentType, authorized, push, fault }) {
    if (!authorized) throw new Refusal(401, 'Requires authentication');
    const release = this.store.find(id);
    if (!release || (release.draft && !push)) throw notFound();
    if (!push) throw new Refusal(403, PERMISSION);
    const name = fault?.do === 'rename' ? fault.to : query.name;
    this.store.checkUpload(release, name, bytes.length);
    const stored = Buffer.from(bytes);
    if (fault?.do === 'corrupt') stored[stored.length >> 1] ^= 1;
    const asset = this.store.addAsset(release, {
      name, label: query.label, contentType, bytes: stored, ...(fault?.do === 'digest' && { digest: fault.value }),
    });
    return { status: 201, body: this.asset(release, asset) };
  }

  // What stays of an upload that broke off.
  leaveStarter({ id, query, contentType }) {
    const release = this.store.find(id);
    if (release && !release.assets.some((a) => a.name === storedName(query.name)))
      this.store.addAsset(release, { name: query.name, contentType, bytes: Buffer.alloc(0), state: 'starter' });
  }

  ref(name) {
    const tag = this.store.tags.get(name);
    return {
      ref: `refs/tags/${name}`, node_id: this.node('REF_', name),
      url: `${this.urls.api}/repos/${this.slug}/git/refs/tags/${name}`,
      object: { sha: tag.sha, type: tag.type, url: `${this.urls.api}/repos/${this.slug}/git/${tag.type}s/${tag.sha}` },
    };
  }

  tagObject(object) {
    return {
      node_id: this.node('TAG_', object.sha), sha: object.sha, tag: object.tag, message: object.message,
      url: `${this.urls.api}/repos/${this.slug}/git/tags/${object.sha}`, tagger: object.tagger,
      object: { ...object.object, url: `${this.urls.api}/repos/${this.slug}/git/commits/${object.object.sha}` },
      verification: { verified: false, reason: 'unsigned', signature: null, payload: null, verified_at: null },
    };
  }

  git({ method, body }, rest) {
    const { tags } = this.store;
    const name = rest.replace(/^(refs|ref|matching-refs)\/tags\//, '');
    if (method === 'POST' && rest === 'tags') return { status: 201, body: this.tagObject(tags.createObject(body)) };
    if (method === 'POST' && rest === 'refs') {
      const made = body.ref.replace(/^refs\/tags\//, '');
      if (tags.get(made)) throw new Refusal(422, 'Reference already exists');
      tags.set(made, body.sha);
      return { status: 201, body: this.ref(made) };
    }
    if (method === 'GET' && rest.startsWith('tags/')) {
      const object = tags.object(rest.slice(5));
      if (!object) throw notFound();
      return { status: 200, body: this.tagObject(object) };
    }
    if (method === 'GET' && rest.startsWith('matching-refs/tags/'))
      return { status: 200, body: tags.list().filter((t) => t.startsWith(name)).map((t) => this.ref(t)) };
    if (!/^refs?\/tags\//.test(rest) || !tags.get(name)) throw notFound();
    if (method === 'GET') return { status: 200, body: this.ref(name) };
    if (method === 'DELETE') tags.delete(name);
    else if (body.force) tags.set(name, body.sha);
    else throw invalid('Reference', 'custom', 'sha', 'Update is not a fast forward');
    return method === 'DELETE' ? { status: 204 } : { status: 200, body: this.ref(name) };
  }
}
