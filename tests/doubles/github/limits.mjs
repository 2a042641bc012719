// SPDX-License-Identifier: MIT
// Rate limits: the primary one by count, and the secondary one on requests that create content.
import { Refusal } from './store.mjs';

const SECONDARY = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';

export class Limits {
  constructor() {
    this.limit = 1000; // requests an hour, as a workflow's own token has them
    this.used = 0;
    this.reset = Math.floor(Date.now() / 1000) + 3600;
    this.content = null; // { count, retry_after }: enforced when set, see create()
    this.recent = 0; // of `creations`, since the limit was set or lifted
    this.lifted = Infinity; // when, in ms
    this.creations = 0; // requests that create content
    this.uploads = 0;
    this.mostUploads = 0;
  }

  headers() {
    return {
      'x-ratelimit-limit': String(this.limit), 'x-ratelimit-used': String(this.used),
      'x-ratelimit-remaining': String(Math.max(0, this.limit - this.used)),
      'x-ratelimit-reset': String(this.reset), 'x-ratelimit-resource': 'core',
    };
  }

  exceeded() {
    return new Refusal(403, 'API rate limit exceeded for installation ID 1.');
  }

  secondary(status = 403, seconds = undefined) {
    return new Refusal(status, SECONDARY, {}, seconds === undefined ? {} : { 'retry-after': String(seconds) });
  }

  count() {
    if (Date.now() / 1000 >= this.reset) {
      this.used = 0;
      this.reset = Math.floor(Date.now() / 1000) + 3600;
    }
    if (this.used >= this.limit) throw this.exceeded();
    this.used++;
  }

  // One request that creates content. After `count` of them, however slowly they came, all are
  // refused for `retry_after` seconds; then as many are free again.
  create() {
    const now = Date.now();
    this.creations++;
    if (!this.content) return;
    if (now >= this.lifted) [this.recent, this.lifted] = [0, Infinity];
    if (++this.recent <= this.content.count) return;
    if (this.lifted === Infinity) this.lifted = now + this.content.retry_after * 1000;
    throw this.secondary(403, this.content.retry_after);
  }

  uploading(difference) {
    this.uploads += difference;
    this.mostUploads = Math.max(this.mostUploads, this.uploads);
  }

  dump() {
    return {
      used: this.used, uploads: this.uploads, most_uploads_at_once: this.mostUploads, creations: this.creations,
    };
  }
}
