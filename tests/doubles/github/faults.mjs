// SPDX-License-Identifier: MIT
// A script of things that go wrong, each for the requests that it matches.
//
//   { "method": "POST", "path": "/assets$", "name": "^a", "skip": 0, "times": 1, "do": ... }
//
//   answer           this status, headers, body instead of the effect
//   answer-after     the effect, then this status, headers, body
//   cut              the connection, before anything is read
//   reset            the same, with a reset
//   lag              the effect, and a list without its last entry
//   cut-midway       the connection, in the middle of an upload; with "starter" an asset stays
//   cut-after        the effect, no answer
//   cut-answer       the effect, half an answer
//   starter          reads the upload, leaves a "starter" asset, answers 502
//   rename           the effect under the name "to"
//   digest           the effect with the digest "value" (null, or a wrong one)
//   corrupt          the effect with one byte changed
//   primary-limit    403, nothing remains until "seconds" from now
//   secondary-limit  "status" (403) with Retry-After "seconds", or without one
//   garbage          the effect, then a body that is not JSON
const ACTIONS = new Set(['answer', 'answer-after', 'cut', 'reset', 'lag', 'cut-midway', 'cut-after', 'cut-answer', 'starter', 'rename',
  'digest', 'corrupt', 'primary-limit', 'secondary-limit', 'garbage']);

export class Faults {
  constructor() {
    this.script = [];
    this.done = [];
  }

  add(fault) {
    if (!ACTIONS.has(fault.do)) throw new Error(`no fault '${fault.do}'`);
    this.script.push({ skip: 0, times: 1, ...fault });
  }

  // The fault for this request, counted, or null.
  take({ method, path, name }) {
    for (const fault of this.script) {
      if (fault.times <= 0 || (fault.method && fault.method !== method) ||
          (fault.path && !new RegExp(fault.path).test(path)) ||
          (fault.name && !new RegExp(fault.name).test(name ?? '')))
        continue;
      if (fault.skip > 0) {
        fault.skip--;
        continue;
      }
      fault.times--;
      this.done.push(`${fault.do} ${method} ${path}${name ? ` ${name}` : ''}`);
      return fault;
    }
    return null;
  }

  left() {
    return this.script.filter((f) => f.times > 0).length;
  }
}
