// SPDX-License-Identifier: MIT
// Starts the double for a test in JavaScript, and talks to its control address.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export async function startDouble(...args) {
  const program = fileURLToPath(new URL('double.mjs', import.meta.url));
  const data = process.env.DISTRIBUTOR_TEST_DATA;
  const judge = data ? ['--description', `${data}/github-releases-openapi.json`] : [];
  const child = spawn(process.execPath, [program, ...judge, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = await once(createInterface(child.stdout), 'line');
  const urls = JSON.parse(line);
  const control = async (path, body) => {
    const answer = await fetch(urls.control + path, body && { method: 'POST', body: JSON.stringify(body) });
    return answer.json();
  };
  return {
    ...urls, control, state: () => control('/state'),
    async stop() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
