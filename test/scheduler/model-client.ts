import type { Cluster, ClusterState } from '../../scheduler/cluster.ts';
import type { Node, PolicyObject, RunPod, Versioned } from '../../scheduler/objects.ts';
import { hasEnded } from '../../scheduler/pods/state.ts';
import { podName } from '../../scheduler/run/names.ts';
import type { Run } from '../../scheduler/run/run.ts';
import type { PolicyStatus } from '../../scheduler/status/status.ts';
import { ApiError } from './model-faults.ts';
import { type Change, View } from './model-view.ts';
import { type ConfigMap, conflict, ledgerKey, recordKey, statusKey, type World } from './model-world.ts';

/** Carries out a call, or lets happen to it what a fault says. */
export type Transport = <T>(what: string, effect: () => T) => Promise<T>;

/** All that one process knows of the cluster. */
export interface Views {
  readonly configMaps: View<ConfigMap>;
  readonly nodes: View<Node>;
  readonly pods: View<RunPod>;
}

/** As a process that has just started has listed it. */
export function listAll({ configMaps, nodes, pods }: World): Views {
  return { configMaps: new View(configMaps), nodes: new View(nodes), pods: new View(pods) };
}

/** The cluster port as one process has it: reads what its watches told, writes to the world; as the Kubernetes adapter. */
export function connectModel(world: World, views: Views, replica: number, call: Transport): Cluster {
  const stateNow = () => readState(views);
  const policyOf = (run: Run) => stateNow().policies.find(({ name }) => name === run.policy);
  const uidOf = (run: string) => {
    const record = views.configMaps.entries.get(recordKey(run));
    if (record === undefined) throw new ApiError(`run ${run} has no record any more`);
    return record.uid;
  };
  const take = (key: string, change: Change<ConfigMap> | typeof conflict) => {
    if (change !== conflict) views.configMaps.apply(change);
    else refresh(world, views, key);
    return change === conflict ? undefined : String(change.version);
  };
  const markTerminating = (pod: RunPod) => ({
    ...pod,
    deletionTimestamp: pod.deletionTimestamp ?? world.timestamp,
  });
  const deletePod = (name: string) => {
    world.kubelets.delete(name);
    if (world.pods.entries.has(name)) views.pods.amend(name, markTerminating);
    else views.pods.forget(name);
  };
  return {
    start: async () => {},
    stop: async () => {},
    state: stateNow,
    readClock: () => new Date(world.timeline.now),
    createRun: (policy, run) =>
      call('createRun', () => {
        const created = world.createRun(run, policy.uid, replica);
        if (created === conflict) {
          return { outcome: 'AlreadyExists', run: stateNow().runs.find(({ value }) => value.name === run.name) };
        }
        views.configMaps.apply(created);
        return { outcome: 'Created', run: { value: run, resourceVersion: String(created.version) } };
      }),
    updateRun: ({ value: run, resourceVersion }: Versioned<Run>) =>
      call('updateRun', () => {
        const owner = policyOf(run) ?? stateNow().ledgers?.get(run.policy);
        if (owner === undefined) return undefined;
        return take(recordKey(run.name), world.updateRun(run, owner.uid, resourceVersion));
      }),
    deleteRun: (run) =>
      call('deleteRun', () => {
        world.deleteRun(run);
        views.configMaps.forget(recordKey(run));
      }),
    deleteOrphan: ({ run, uid }) =>
      call('deleteOrphan', () => {
        if (world.configMaps.entries.get(recordKey(run))?.uid !== uid) return refresh(world, views, recordKey(run));
        world.deleteRun(run);
        views.configMaps.forget(recordKey(run));
      }),
    deleteOrphanedStatus: () => call('deleteOrphanedStatus', () => {}),
    writeStatus: (policy: PolicyObject, status: PolicyStatus) => {
      const version = stateNow().statuses.get(policy.name)?.resourceVersion;
      return call('writeStatus', () => {
        return take(statusKey(policy.name), world.writeStatus(policy, status, version)) !== undefined;
      });
    },
    writeLedger: (ledger, before) =>
      call(
        'writeLedger',
        () => take(ledgerKey(ledger.policy), world.writeLedger(ledger, before?.resourceVersion)) !== undefined,
      ),
    deleteLedger: (ledger) =>
      call('deleteLedger', () => {
        world.deleteLedger(ledger);
        refresh(world, views, ledgerKey(ledger.policy));
      }),
    hasPolicy: (name) => call('hasPolicy', () => world.configMaps.entries.has(name)),
    hasJob: (run) => call('hasJob', () => world.jobs.has(run.name)),
    createJob: (run) => call('createJob', () => world.createJob(run.name, uidOf(run.name))),
    createPod: (run, node, attempt, needs) => {
      const owner = uidOf(run.name);
      return call('createPod', () => {
        const before = world.pods.entries.get(podName(run.name, node.name, attempt - 1));
        if (before !== undefined && !hasEnded(before.value)) {
          views.pods.apply(before);
          throw new ApiError(`pod ${before.key} has not ended`);
        }
        const pod = world.createPod(run, owner, node, attempt, needs);
        if (pod !== undefined) views.pods.apply(pod);
        return undefined;
      });
    },
    deletePod: (name) => call('deletePod', () => deletePod(name)),
    deletePods: (run, kept = []) =>
      call('deletePods', () => {
        const isMeant = (pod: RunPod) => pod.run === run && !kept.includes(pod.name);
        for (const { value: pod } of [...world.pods.entries.values()])
          if (isMeant(pod)) world.kubelets.delete(pod.name);
        for (const { value: pod } of [...views.pods.entries.values()])
          if (isMeant(pod)) views.pods.amend(pod.name, markTerminating);
      }),
    recordEvent: () => call('recordEvent', () => {}),
    mayRemoveStartupTaint: async () => false,
    removeStartupTaint: () => call('removeStartupTaint', () => {}),
    readPodWarning: () => call('readPodWarning', () => undefined),
    readImageReports: () => call('readImageReports', () => new Map()),
    readBoundPods: (nodes) =>
      call('readBoundPods', () => new Map(nodes.map((node) => [node, { references: [], count: 0 }]))),
    listWorkloadReferences: () => call('listWorkloadReferences', () => []),
  };
}

function readState({ configMaps, nodes, pods }: Views): ClusterState {
  const objects = [...configMaps.entries.values()];
  const policies = objects.flatMap(({ value }) => (value.kind === 'policy' ? [value.policy] : []));
  const names = new Set(policies.map(({ name }) => name));
  const ledgers = objects.flatMap(({ value, uid, version }) =>
    value.kind === 'ledger'
      ? [{ ...value.ledger, createdAt: value.createdAt, uid, resourceVersion: String(version) }]
      : [],
  );
  // The ledger of a deleted policy owns the runs that take away what the policy has left.
  const owners = ledgers.filter(({ policy }) => !names.has(policy));
  const uids = new Set([...policies, ...owners].map(({ uid }) => uid));
  return {
    policies,
    ledgers: new Map(ledgers.map((ledger) => [ledger.policy, ledger])),
    statuses: new Map(
      objects.flatMap(({ value, version }) =>
        value.kind === 'status' ? [[value.policy, { value: value.status, resourceVersion: String(version) }]] : [],
      ),
    ),
    runs: objects.flatMap(({ value, version }) =>
      value.kind === 'run' && uids.has(value.owner) ? [{ value: value.run, resourceVersion: String(version) }] : [],
    ),
    orphans: objects.flatMap(({ value, uid }) =>
      value.kind === 'run' && !uids.has(value.owner) ? [{ policy: value.run.policy, run: value.run.name, uid }] : [],
    ),
    nodes: [...nodes.entries.values()].map(({ value }) => value),
    pods: [...pods.entries.values()].map(({ value }) => value),
  };
}

/** An object that could not be written is not as it was thought to be: it is read again. */
function refresh({ configMaps }: World, views: Views, key: string): void {
  const current = configMaps.entries.get(key);
  if (current === undefined) views.configMaps.forget(key);
  else views.configMaps.apply(current);
}
