// SPDX-License-Identifier: MIT
// How GitHub behaves on a bad day, drawn from a seed: what was written is seen late, answers fail in passing,
// large pages take too long, connections end, and a repository that was renamed redirects, with a page.
//
// Each unkindness ends: the same question is not answered so more than twice in a row, and no more than a part
// of all requests is. So whoever asks again gets there, and whoever takes the first answer for the last does not.
import { storedName } from './store.mjs';

const MISSING = { message: 'Not Found', documentation_url: 'https://docs.github.com/rest', status: '404' };
const TIMED_OUT = { message: "We couldn't respond to your request in time. Sorry about that. Please try resubmitting your request and contact us if the problem persists." };

// A small generator whose numbers are the same everywhere (mulberry32).
function generator(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Rude {
  // `share` of the requests are answered unkindly.
  constructor({ seed, share = 0.25, renamed = false }) {
    this.random = generator(seed);
    this.share = share;
    this.renamed = renamed;
    this.runs = new Map(); // how often in a row, by question
    this.done = [];
  }

  pick(list) {
    return list[Math.floor(this.random() * list.length)];
  }

  // What may go wrong with a request, as faults (faults.mjs); `store` is looked at for what lags.
  choices({ method, path, query, host }, store) {
    const passing = [{ do: 'answer', status: this.pick([500, 502, 503]), body: { message: 'Server Error' } },
      { do: 'cut' }, { do: 'reset' }, { do: 'cut-answer' }];
    const done = [{ do: 'answer-after', status: 502 }, { do: 'cut-after' }];
    const late = { do: 'answer', status: 404, body: MISSING };
    const release = /\/releases\/(\d+)(\/assets)?$/.exec(path);
    if (host === 'storage') return [{ do: 'answer', status: 503, text: '<html>unavailable</html>' }, { do: 'cut' }];
    if (host === 'uploads') return [...passing.slice(0, 3), ...done, late, { do: 'starter' }];
    if (method === 'POST' && /\/releases$/.test(path)) return [passing[0], ...done];
    if (method === 'PATCH' || method === 'DELETE') return [...passing, ...done, ...(method === 'PATCH' ? [late] : [])];
    if (/\/releases$/.test(path))
      return Number(query.per_page ?? 30) > 2 ? [{ do: 'answer', status: 504, body: TIMED_OUT }] : passing;
    if (/\/releases\/latest$/.test(path)) return passing;
    if (release?.[2] && store.find(release[1])?.assets.length) return [...passing, { do: 'lag' }];
    if (release || /\/git\/ref\/tags\//.test(path) || (/\/releases\/tags\//.test(path) && store.wasPublished(path))) return [...passing, late];
    return passing;
  }

  // A fault for this request, or null. The same question is let through after two.
  take(request, store) {
    const key = `${request.method} ${request.path} ${storedName(request.query.name ?? '')}`;
    const before = this.runs.get(key) ?? 0;
    if (before >= 2 || this.random() >= this.share) {
      this.runs.delete(key);
      return null;
    }
    this.runs.set(key, before + 1);
    const fault = this.pick(this.choices(request, store));
    this.done.push(`${fault.do}${fault.status ? ` ${fault.status}` : ''} ${key}`);
    return fault;
  }
}
