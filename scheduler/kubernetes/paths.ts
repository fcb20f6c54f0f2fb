/** The kinds of objects that are asked for, by their plural names, with the API group and version they are in. */
const groups = {
  configmaps: 'api/v1',
  events: 'api/v1',
  nodes: 'api/v1',
  pods: 'api/v1',
  deployments: 'apis/apps/v1',
  statefulsets: 'apis/apps/v1',
  daemonsets: 'apis/apps/v1',
  jobs: 'apis/batch/v1',
  cronjobs: 'apis/batch/v1',
  leases: 'apis/coordination.k8s.io/v1',
} as const;

export type Resource = keyof typeof groups;

/** What is asked about: a collection, or with a name one object of it; without a namespace, in the whole cluster. */
export interface Target {
  readonly resource: Resource;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

export function pathOf({ resource, namespace, name, subresource }: Target): string {
  const parts = [namespace && `namespaces/${namespace}`, resource, name && encodeURIComponent(name), subresource];
  return `/${groups[resource]}/${parts.filter(Boolean).join('/')}`;
}
