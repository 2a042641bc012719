// Rate limits: the primary one by count, and the secondary one on requests that create content.
import { Refusal } from './store.mjs';

const SECONDARY = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.';

export class Limits {
  constructor() {
    this.limit = 1000; // requests an hour, as a workflow's own token has them
    this.used = 0;
    this.reset = Math.floor(Date.now() / 1000) + 3600;
    this.content = null; // { count, window_ms, retry_after }: enforced when set
    this.creations = []; // times of requests that create content, in ms
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

  // One request that creates content. GitHub counts those that it refuses, too.
  create() {
    const now = Date.now();
    this.creations.push(now);
    if (!this.content) return;
    const recent = this.creations.filter((t) => t > now - this.content.window_ms).length;
    if (recent > this.content.count) throw this.secondary(403, this.content.retry_after);
  }

  uploading(difference) {
    this.uploads += difference;
    this.mostUploads = Math.max(this.mostUploads, this.uploads);
  }

  dump() {
    return {
      used: this.used, uploads: this.uploads, most_uploads_at_once: this.mostUploads, creations: this.creations.length,
      creations_span_ms: this.creations.length ? this.creations.at(-1) - this.creations[0] : 0,
    };
  }
}
