import { readValues, type Value } from './values.ts';

const maxDefaultLength = 60;

const introduction = `# Helm chart of nodesweep

This chart installs the scheduler with its rights, network policies and priority class, and the policy \`example\`, which removes
nothing. It makes the same objects as the [kustomization](../kustomization.yaml). The [README of the project](../../README.md) says
how to build the image.

\`\`\`sh
kubectl apply -f manifests/base/namespace.yaml
helm install nodesweep manifests/chart -n nodesweep --set image.repository=your.registry/nodesweep
\`\`\`

The first command creates the namespace with the labels that Pod Security admission needs for cleaner pods: they mount the socket of
the runtime. Helm can create a namespace too, but without these labels. The names of the objects are fixed, so install the chart once
in a cluster.

## Policies

Each entry of \`policies\` becomes a ConfigMap. Helm checks its fields before it installs anything. \`nodesweep lint\` also checks the
rules that a schema can't express.

\`\`\`yaml
policies:
  example: null              # leaves out the example
  nightly:
    cleanup:                 # the fields of docs/policy.md
      schedule: "0 3 * * *"
      images:
        maxUnusedAge: 14d
  base:
    prepull:
      schedule: "@hourly"
      lists:
        - name: base
          images: [registry.example.com/acme/base:2026.10]
\`\`\`

A document can also be a text: \`--set-file policies.nightly.cleanup=nightly.yaml\`.

## Upgrade and uninstall

\`helm upgrade\` restarts only the scheduler, and only if its pod changes. A run that is active continues with the new scheduler.

\`helm uninstall\` also deletes the policies, and with them their pods, records and statuses. The Lease of the scheduler and the lists
of images that nodesweep has pulled remain in the namespace: \`kubectl delete namespace nodesweep\` deletes them. On each node one
small directory with the history of its images remains.

## Values

`;

/** The README of the chart: an introduction, and a table of all values. */
export function buildReadme(): string {
  const rows = readValues().map(rowOf);
  return `${introduction}${['| value | default | meaning |', '|---|---|---|', ...rows].join('\n')}\n`;
}

function rowOf({ path, default: value, description }: Value): string {
  const json = JSON.stringify(value);
  const shown = json.length > maxDefaultLength ? 'see [values.yaml](values.yaml)' : `\`${json}\``;
  return `| \`${path.join('.')}\` | ${shown} | ${description.replaceAll('|', '\\|')} |`;
}
