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

/** Writes the policy with a request for a run: each new value of the annotation starts one, now. */
export function requestRun(directory: string, document: string, request: string): void {
  const path = join(directory, 'demo.yaml');
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${path}.tmp`, manifest(document, request));
  renameSync(`${path}.tmp`, path);
}

function manifest(document: string, request: string): string {
  return `apiVersion: v1
kind: ConfigMap
metadata:
  name: demo
  labels: { nodesweep.io/kind: policy }
  annotations: { nodesweep.io/run-at: "${request}" }
data:
  cleanup.yaml: |
${document.replace(/^/gm, '    ')}
`;
}
