// SPDX-License-Identifier: MIT
// usage: sigstore_verify.mjs BUNDLE KEY.pem ARTIFACT: sigstore's own verifier on a bundle with a key.
import { createPublicKey, createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { bundleFromJSON } from '@sigstore/bundle';
import { toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify';

const [bundlePath, keyPath, artifactPath] = process.argv.slice(2);
const pem = readFileSync(keyPath, 'utf8');
const artifact = readFileSync(artifactPath);
const der = createPublicKey(pem).export({ type: 'spki', format: 'der' });
const wanted = createHash('sha256').update(der).digest('base64');
const nothing = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
const trust = toTrustMaterial(nothing, (hint) => {
  if (hint !== wanted) throw new Error(`the hint is ${hint}, not ${wanted}`);
  return { publicKey: createPublicKey(pem), validFor: () => true };
});
const bundle = bundleFromJSON(JSON.parse(readFileSync(bundlePath, 'utf8')));
const verifier = new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 0 });
verifier.verify(toSignedEntity(bundle, artifact));
// The library leaves the comparison of the subject to its caller.
const statement = JSON.parse(bundle.content.dsseEnvelope.payload.toString());
const sha256 = createHash('sha256').update(artifact).digest('hex');
if (!statement.subject.some((s) => s.digest.sha256 === sha256)) throw new Error('not a subject');
console.log('Verified OK');
