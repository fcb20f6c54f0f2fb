/** The kinds of objects that nodesweep uses, by plural name, with API group and version. */
const groups = {
  configmaps: 'api/v1',
  events: 'api/v1',
  namespaces: 'api/v1',
  nodes: 'api/v1',
  pods: 'api/v1',
  podtemplates: 'api/v1',
  replicationcontrollers: 'api/v1',
  deployments: 'apis/apps/v1',
  replicasets: 'apis/apps/v1',
  statefulsets: 'apis/apps/v1',
  daemonsets: 'apis/apps/v1',
  controllerrevisions: 'apis/apps/v1',
  jobs: 'apis/batch/v1',
  cronjobs: 'apis/batch/v1',
  leases: 'apis/coordination.k8s.io/v1',
  selfsubjectaccessreviews: 'apis/authorization.k8s.io/v1',
} as const;

/** Another kind as `plural.group/version`, such as `rollouts.argoproj.io/v1alpha1`. */
export type FurtherResource = `${string}.${string}/${string}`;

export type Resource = keyof typeof groups | FurtherResource;

/** The target of a call: a collection or, with a name, one object; without a namespace, in the whole cluster. */
export interface Target {
  readonly resource: Resource;
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
  readonly subresource?: string | undefined;
}

export function pathOf({ resource, namespace, name, subresource }: Target): string {
  const { group, plural } = placeOf(resource);
  const parts = [namespace && `namespaces/${namespace}`, plural, name && encodeURIComponent(name), subresource];
  return `/${group}/${parts.filter(Boolean).join('/')}`;
}

function placeOf(resource: Resource): { readonly group: string; readonly plural: string } {
  if (isBuiltIn(resource)) return { group: groups[resource], plural: resource };
  const [plural = '', ...group] = resource.split('.');
  return { group: `apis/${group.join('.')}`, plural };
}

function isBuiltIn(resource: Resource): resource is keyof typeof groups {
  return Object.hasOwn(groups, resource);
}
