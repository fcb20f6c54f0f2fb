import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The document of the demo's policy, as a person would write it. */
export function policyDocument(minAgeSeconds: number): string {
  return `schedule: "0 3 * * *"        # every night at three
images:
  exclude: ["**/base:*"]     # keep the base images
  keepSideLoaded: false      # the demo loads its images from a file
  minAge: ${minAgeSeconds}s                 # leave new ones alone (default: 2m)
`;
}

/** The name of the policy of image lists. */
export const listPolicy = 'release';

/** The document of the demo's image lists. The registry has no `model:7`. */
export const listDocument = `schedule: "@hourly"
imagePullTimeoutSeconds: 5   # give up soon (default: 600)
rollout:
  parallelism: 100%          # all nodes at the same time (default: 10%)
lists:
- name: base
  images: [docker.io/acme/search:8, docker.io/acme/shop:3.0]
- name: models
  images: [docker.io/acme/model:7]
  nodes:
    matchLabels: {kubernetes.io/hostname: node-3}
`;

/** Writes the policy of image lists. It needs no request: all nodes are new to it. */
export function applyLists(directory: string): void {
  writePolicy(directory, listPolicy, `data:\n  prepull.yaml: |\n${indent(listDocument)}`);
}

/** Writes the policy with a request for a run: each new value of the annotation starts one, now. */
export function requestRun(directory: string, document: string, request: string): void {
  const annotations = `  annotations: { nodesweep.io/run-at: "${request}" }\n`;
  writePolicy(directory, 'demo', `${annotations}data:\n  cleanup.yaml: |\n${indent(document)}`);
}

function writePolicy(directory: string, name: string, rest: string): void {
  const path = join(directory, `${name}.yaml`);
  const metadata = `metadata:\n  name: ${name}\n  labels: { nodesweep.io/kind: policy }\n`;
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${path}.tmp`, `apiVersion: v1\nkind: ConfigMap\n${metadata}${rest}`);
  renameSync(`${path}.tmp`, path);
}

function indent(document: string): string {
  return document.replace(/^(?=.)/gm, '    ');
}
