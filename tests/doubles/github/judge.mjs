// SPDX-License-Identifier: MIT
// GitHub's own OpenAPI description as the judge of requests and of the double's answers.
import { readFile } from 'node:fs/promises';

// Says nothing: for machines without the description or without the package.
const silent = { name: null, request: () => [], response: () => [] };

function sentences(errors) {
  return (errors ?? []).map((e) => `${e.instancePath || '/'} ${e.message}${
    e.params?.allowedValues ? ` (${e.params.allowedValues.join(', ')})` : ''}`);
}

// The description does not have the state "starter", which GitHub's prose does.
function withoutStarters(body) {
  return JSON.parse(JSON.stringify(body), (key, value) => (key === 'state' && value === 'starter' ? 'open' : value));
}

export async function judgeFrom(file) {
  if (!file) return silent;
  const { OpenAPIBackend } = await import('openapi-backend');
  const api = new OpenAPIBackend({
    definition: JSON.parse(await readFile(file, 'utf8')), quick: true, ajvOpts: { strict: false, validateFormats: false },
  });
  await api.init();
  // The names of references have slashes, which one parameter of a path does not match.
  const onePart = (path) => path.replace(/(?<=\/git\/(?:ref|refs|matching-refs)\/)(.+)$/, (name) => encodeURIComponent(name));
  const operation = ({ method, path, headers }) => api.matchOperation({ method, path: onePart(path), headers });
  return {
    name: file,
    // `request`: { method, path, query, headers, body }. Returns what is wrong with it, as sentences.
    request(request) {
      const found = operation(request);
      if (!found) return [`no operation ${request.method} ${request.path} in the description`];
      return sentences(api.validateRequest({ ...request, path: onePart(request.path) }, found).errors);
    },
    response(request, status, body) {
      const found = operation(request);
      if (!found || body === undefined) return [];
      if (!found.responses?.[status]) return status >= 400 ? [] : [`status ${status} is not described`];
      return sentences(api.validateResponse(withoutStarters(body), found, status).errors);
    },
  };
}
