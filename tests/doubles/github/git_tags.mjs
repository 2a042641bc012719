// SPDX-License-Identifier: MIT
// Tags of a bare git repository, so that what was pushed with git is what the API shows.
import { execFileSync } from 'node:child_process';

export class GitTags {
  constructor(directory) {
    this.directory = directory;
  }

  git(...args) {
    return execFileSync('git', ['-C', this.directory, ...args],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  }

  get(name) {
    const line = this.git('for-each-ref', '--format=%(objectname) %(objecttype) %(*objectname)', `refs/tags/${name}`);
    if (line === '') return undefined;
    const [sha, type, peeled] = line.split(' ');
    return { sha, type, commit: peeled || sha };
  }

  list() {
    return this.git('for-each-ref', '--format=%(refname:lstrip=2)', 'refs/tags').split('\n').filter((n) => n !== '');
  }

  object(sha) {
    let text;
    try {
      text = this.git('cat-file', 'tag', sha);
    } catch {
      return undefined;
    }
    const [head, ...rest] = text.split('\n\n');
    const field = (key) => new RegExp(`^${key} (.*)$`, 'm').exec(head)[1];
    const [, name, email, seconds] = /^(.*) <(.*)> (\d+) /.exec(field('tagger'));
    return {
      sha, tag: field('tag'), message: rest.join('\n\n'), object: { sha: field('object'), type: field('type') },
      tagger: { name, email, date: new Date(seconds * 1000).toISOString().replace('.000', '') },
    };
  }

  createObject({ tag, message, object, type = 'commit' }) {
    const text = `object ${object}\ntype ${type}\ntag ${tag}\ntagger Octo Cat <octocat@example.org> 1577836800 +0000\n\n${message}\n`;
    const sha = execFileSync('git', ['-C', this.directory, 'mktag'], { input: text, encoding: 'utf8' }).trim();
    return this.object(sha);
  }

  // A made-up commit of a lightweight tag cannot be kept by git: the branch's head stands in.
  set(name, sha) {
    let target = sha;
    try {
      this.git('cat-file', '-e', sha);
    } catch {
      target = 'HEAD';
    }
    this.git('update-ref', `refs/tags/${name}`, target);
  }

  delete(name) {
    this.git('update-ref', '-d', `refs/tags/${name}`);
  }
}
