#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// A double of GitHub Releases for one repository, on 127.0.0.1, until its standard input ends.
//
// usage: double.mjs [--repository OWNER/REPO] [--token TOKEN] [--read-token TOKEN]
//                   [--description OPENAPI.json] [--git BARE_REPOSITORY] [--ghes]
//
// Prints one line of JSON with the addresses: api, uploads (another host to a client, as on
// github.com), storage (where asset downloads are redirected to), web (what browsers see), control.
//
// control: GET /state, POST /faults {...}|[...], POST /no-faults, POST /settings {...}, POST /seed {...},
// POST /content-limit {...}, POST /rude { seed, share, renamed }|{}, POST /reset
import { createServer } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Api } from './api.mjs';
import { Faults } from './faults.mjs';
import { GitTags } from './git_tags.mjs';
import { judgeFrom } from './judge.mjs';
import { Limits } from './limits.mjs';
import { Rude } from './rude.mjs';
import { MemoryTags, Refusal, Store, notFound } from './store.mjs';

const { values: options } = parseArgs({
  options: {
    repository: { type: 'string', default: 'octo-org/qemu-user-static' },
    token: { type: 'string', default: 'ghs_double_push_token' },
    'read-token': { type: 'string', default: 'ghs_double_read_token' },
    description: { type: 'string' }, git: { type: 'string' }, ghes: { type: 'boolean', default: false },
  },
});
const [owner, repo] = options.repository.split('/');
const judge = await judgeFrom(options.description);
const urls = {};
let store, api, faults, limits, requests, rude, violations;

function reset() {
  store = new Store({ owner, repo, tags: options.git ? new GitTags(options.git) : new MemoryTags() });
  api = new Api(store, urls);
  faults = new Faults();
  limits = new Limits();
  requests = [];
  rude = null;
  violations = [];
}

class Cut extends Error {}
class Reset extends Cut {}

function permissions(headers) {
  const token = /^(?:Bearer|token) (.+)$/i.exec(headers.authorization ?? '')?.[1];
  if (headers.authorization && token !== options.token && token !== options['read-token'])
    throw new Refusal(401, 'Bad credentials');
  return { authorized: token !== undefined, push: token === options.token };
}

async function readBody(request, most = Infinity) {
  const pieces = [];
  let size = 0;
  for await (const piece of request) {
    pieces.push(piece);
    size += piece.length;
    if (size >= most) throw new Cut();
  }
  return Buffer.concat(pieces);
}

// Every redirect has a page, as GitHub's have.
const page = ({ location }) => `<html><body>You are being <a href="${location}">redirected</a>.</body></html>`;

function send(response, { status, headers = {}, body, bytes, text }) {
  if (headers.location && body === undefined && !bytes && !text)
    text = page(headers);
  const json = body === undefined ? null : JSON.stringify(body);
  const content = bytes ?? Buffer.from(text ?? json ?? '');
  response.writeHead(status, {
    ...limits.headers(), 'x-github-request-id': `D0:${requests.length}`, 'x-github-media-type': 'github.v3; format=json',
    ...((json ?? text) && { 'content-type': 'application/json; charset=utf-8' }),
    ...(status !== 204 && { 'content-length': content.length }), ...headers,
  });
  response.end(content);
}

// Carries out what a fault says about the answer.
function sendWith(fault, response, answer) {
  switch (fault?.do) {
    case 'lag': // without the last that came
      return send(response, { ...answer, body: Array.isArray(answer.body) ? answer.body.slice(0, -1) : answer.body });
    case 'answer-after':
      return send(response, { status: fault.status, headers: fault.headers, body: fault.body ?? { message: 'Server Error' } });
    case 'cut-after':
      return response.destroy();
    case 'cut-answer': {
      const text = JSON.stringify(answer.body ?? {});
      response.writeHead(answer.status, { 'content-type': 'application/json', 'content-length': text.length });
      response.write(text.slice(0, text.length / 2), () => response.destroy());
      return undefined;
    }
    case 'garbage':
      return send(response, { ...answer, body: undefined, text: fault.text ?? '<html>' });
    default:
      return send(response, answer);
  }
}

// Faults that keep the request from having an effect.
function refuseWith(fault) {
  const after = Math.floor(Date.now() / 1000) + (fault.seconds ?? 0);
  switch (fault.do) {
    case 'cut':
      throw new Cut();
    case 'reset':
      throw new Reset();
    case 'answer': {
      const refusal = new Refusal(fault.status, 'Injected', {}, fault.headers);
      if (fault.body) refusal.body = fault.body;
      if (fault.text) refusal.text = fault.text;
      throw refusal;
    }
    case 'primary-limit': {
      const refusal = limits.exceeded();
      refusal.headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(after) };
      throw refusal;
    }
    case 'secondary-limit':
      throw limits.secondary(fault.status, fault.seconds);
    default:
  }
}

function check(what, sentences) {
  for (const sentence of sentences) violations.push(`${what}: ${sentence}`);
  return sentences;
}

function parse(request) {
  const url = new URL(request.url, 'http://double');
  let path = url.pathname;
  if (options.ghes) path = path.replace(/^\/api\/(v3|uploads)(?=\/)/, '');
  const numbered = path.startsWith(`/repositories/${store.repositoryId}/`);
  path = path.replace(`/repositories/${store.repositoryId}/`, `/repos/${owner}/${repo}/`);
  return { numbered, method: request.method, path, query: Object.fromEntries(url.searchParams), headers: request.headers };
}

// Where a repository has gone: with the page that GitHub sends, and for GET the older status.
function moved({ method, path }, search) {
  const url = `${urls.api}${path.replace(`/repos/${owner}/${repo}/`, `/repositories/${store.repositoryId}/`)}${search}`;
  return { status: method === 'GET' ? 301 : 307, headers: { location: url },
    body: { message: 'Moved Permanently', url, documentation_url: 'https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects' } };
}

async function answerApi({ request, entry }) {
  const call = parse(request);
  if (rude?.renamed && !call.numbered) {
    await readBody(request);
    return moved(call, new URL(request.url, 'http://double').search);
  }
  if (!request.headers['user-agent']) throw new Refusal(403, 'Request forbidden by administrative rules.');
  const version = request.headers['x-github-api-version'];
  if (version !== undefined && version !== '2022-11-28') throw new Refusal(400, `${version} is not a supported version`);
  Object.assign(call, permissions(request.headers));
  const text = (await readBody(request)).toString();
  if (text) {
    try {
      call.body = JSON.parse(text);
    } catch {
      throw new Refusal(400, 'Problems parsing JSON');
    }
  }
  entry.body = call.body;
  const wrong = check(`request ${call.method} ${call.path}`, judge.request(call));
  if (wrong.length) throw new Refusal(422, `Invalid request.\n\n${wrong.join('\n')}`);
  limits.count();
  if (call.method === 'POST') limits.create();
  const answer = api.handle(call);
  check(`answer to ${call.method} ${call.path}`, judge.response(call, answer.status, answer.body));
  return answer;
}

async function answerUpload({ request, fault }) {
  const { socket } = request;
  const call = parse(request);
  const id = /\/releases\/(\d+)\/assets$/.exec(call.path)?.[1];
  const upload = { ...call, id, contentType: request.headers['content-type'], fault, ...permissions(request.headers) };
  if (call.method !== 'POST' || id === undefined) throw notFound();
  if (request.headers['content-length'] === undefined) throw new Refusal(400, 'Bad Content-Length: ');
  if (upload.contentType === undefined) throw new Refusal(400, 'Missing Content-Type');
  limits.uploading(1);
  try {
    const half = fault?.do === 'cut-midway' ? Number(request.headers['content-length']) / 2 : undefined;
    upload.bytes = await readBody(request, half);
    if (store.settings.storing_ms) await setTimeout(store.settings.storing_ms);
    if (store.settings.storing_ms && !socket.writable) throw new Cut();
  } catch (error) {
    if (fault?.starter || store.settings.storing_ms) api.leaveStarter(upload);
    throw error instanceof Cut ? error : new Cut();
  } finally {
    limits.uploading(-1);
  }
  const wrong = check(`request ${call.method} ${call.path}`, judge.request({ ...call, body: undefined }));
  if (wrong.length) throw new Refusal(422, `Invalid request.\n\n${wrong.join('\n')}`);
  limits.count();
  limits.create();
  if (fault?.do === 'starter') {
    api.leaveStarter(upload);
    throw new Refusal(502, 'Server Error');
  }
  const answer = api.upload(upload);
  check(`answer to ${call.method} ${call.path}`, judge.response(call, answer.status, answer.body));
  return answer;
}

// Asset bytes, for whoever has the address. A token has no business here.
async function answerStorage({ request }) {
  const { path } = parse(request);
  if (request.headers.authorization) {
    violations.push(`a token was sent to the storage host: ${path}`);
    throw new Refusal(400, 'Only one auth mechanism allowed');
  }
  const found = store.findAsset(path.slice(1));
  if (!found) throw notFound();
  return { status: 200, bytes: found.asset.bytes, headers: { 'content-type': found.asset.content_type } };
}

// The pages' download addresses: published releases only.
async function answerWeb({ request }) {
  const { path } = parse(request);
  const latest = new RegExp(`^/${owner}/${repo}/releases/latest/download/([^/]+)$`).exec(path);
  const tagged = new RegExp(`^/${owner}/${repo}/releases/download/([^/]+)/([^/]+)$`).exec(path);
  const release = latest ? store.latest() : tagged && store.published(decodeURIComponent(tagged[1]));
  const asset = release?.assets.find((a) => a.name === (latest ? latest[1] : tagged[2]));
  if (!asset) throw notFound();
  return { status: 302, headers: { location: `${urls.storage}/${asset.id}?sig=for-this-file-only` } };
}

function seedRelease(seed) {
  const release = store.createRelease({ ...seed, draft: true });
  for (const asset of seed.assets ?? [])
    store.addAsset(release, {
      contentType: 'application/octet-stream', ...asset, bytes: Buffer.from(asset.base64 ?? '', 'base64') });
  if (!seed.draft) store.publish(release, seed.make_latest);
  return release;
}

async function answerControl({ request }) {
  const { method, path } = parse(request);
  const text = (await readBody(request)).toString();
  const body = text ? JSON.parse(text) : {};
  if (method === 'POST' && path === '/faults') for (const fault of [body].flat()) faults.add(fault);
  else if (method === 'POST' && path === '/settings') Object.assign(store.settings, body);
  else if (method === 'POST' && path === '/content-limit') limits.content = body;
  else if (method === 'POST' && path === '/no-faults') faults.script = [];
  else if (method === 'POST' && path === '/rude') rude = body.seed === undefined ? null : new Rude(body);
  else if (method === 'POST' && path === '/reset') reset();
  else if (method === 'POST' && path === '/seed') {
    for (const tag of body.tags ?? []) {
      const sha = tag.lightweight ? tag.commit : store.tags.createObject({ tag: tag.name, message: tag.message ?? '', object: tag.commit }).sha;
      store.tags.set(tag.name, sha);
    }
    return { status: 200, body: (body.releases ?? []).map((r) => seedRelease(r).id) };
  } else if (path !== '/state') throw notFound();
  return {
    status: 200,
    body: { ...store.dump(), limits: limits.dump(), requests, violations, judge: judge.name, faults: faults.done, faults_left: faults.left(), rude: rude?.done ?? [] },
  };
}

function serve(name, answer) {
  const server = createServer(async (request, response) => {
    const { socket } = request; // gone from the request once that is destroyed
    const { method, path, query } = parse(request);
    const scripted = name !== 'control';
    const fault = scripted ? faults.take({ method, path, name: query.name }) ?? rude?.take({ method, path, query, host: name }, store) ?? null : null;
    const entry = { host: name, method, path, query, authorized: request.headers.authorization !== undefined };
    if (scripted) requests.push(entry);
    try {
      if (fault) refuseWith(fault);
      const result = await answer({ request, fault, entry });
      entry.status = result.status;
      sendWith(fault, response, result);
    } catch (error) {
      if (error instanceof Reset) socket.resetAndDestroy();
      else if (error instanceof Cut) socket.destroy();
      else if (error instanceof Refusal) {
        entry.status = error.status;
        request.resume();
        const body = name === 'uploads' ? { ...error.body, request_id: `D0:${requests.length}` } : error.body;
        send(response, { status: error.status, ...(error.text ? { text: error.text } : { body }), headers: error.headers });
      } else if (!socket.destroyed) {
        violations.push(`the double failed: ${error.stack}`);
        send(response, { status: 500, body: { message: String(error) } });
      }
    }
  });
  server.requestTimeout = 600000;
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${server.address().port}`)));
}

reset();
urls.api = await serve('api', (call) =>
  (options.ghes && call.request.url.startsWith('/api/uploads/') ? answerUpload(call) : answerApi(call)));
urls.uploads = options.ghes ? `${urls.api}/api/uploads` : await serve('uploads', answerUpload);
if (options.ghes) urls.api += '/api/v3';
urls.storage = await serve('storage', answerStorage);
urls.web = await serve('web', answerWeb);
urls.control = await serve('control', answerControl);
console.log(JSON.stringify({ ...urls, repository: options.repository, token: options.token, judge: judge.name }));
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
