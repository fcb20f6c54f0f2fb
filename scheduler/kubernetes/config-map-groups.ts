import type { ClusterState, OrphanedRun, OrphanedStatus, UnreadableRecord } from '../cluster.ts';
import type { PolicyObject } from '../objects.ts';
import { statusName, type WatchedConfigMap } from './objects.ts';

export type ConfigMapGroups = Omit<ClusterState, 'nodes' | 'pods' | 'imageSets'>;

type Of<Kind extends WatchedConfigMap['kind']> = Extract<WatchedConfigMap, { kind: Kind }>;

/** Groups ConfigMaps by kind. */
export function groupConfigMaps(maps: readonly WatchedConfigMap[]): ConfigMapGroups {
  const policies = ofKind(maps, 'policy').map(({ policy }) => policy);
  const byUid = new Map(policies.map((policy) => [policy.uid, policy]));
  const names = new Set(policies.map(({ name }) => name));
  const ledgers = ofKind(maps, 'lists').map(({ ledger }) => ledger);
  // The ledger of a deleted policy owns the runs that take away what the policy has left.
  const ownLedgers = new Set(ledgers.filter(({ policy }) => !names.has(policy)).map(({ uid }) => uid));
  // The record of a deleted policy will be deleted, and does not belong to a new policy of the same name.
  const { own = [], orphaned = [] } = Object.groupBy(ofKind(maps, 'run'), ({ ownerUid = '' }) =>
    byUid.has(ownerUid) || ownLedgers.has(ownerUid) ? 'own' : 'orphaned',
  );
  const { unreadable, orphans } = sortUnreadable(ofKind(maps, 'unreadable'), byUid);
  const statuses = ofKind(maps, 'status');
  return {
    policies,
    statuses: new Map(statuses.map(({ policy, status }) => [policy, status])),
    orphanedStatuses: orphansAmong(statuses, policies),
    runs: own.map(({ run }) => run),
    ledgers: new Map(ledgers.map((ledger) => [ledger.policy, ledger])),
    unreadable,
    orphans: [...orphaned.map(({ run, uid }) => ({ policy: run.value.policy, run: run.value.name, uid })), ...orphans],
  };
}

function ofKind<Kind extends WatchedConfigMap['kind']>(maps: readonly WatchedConfigMap[], kind: Kind): Of<Kind>[] {
  return maps.filter((map): map is Of<Kind> => map.kind === kind);
}

/** Finds the policies of records that can't be read. A record that names no policy belongs to none, and stays. */
function sortUnreadable(maps: readonly Of<'unreadable'>[], byUid: ReadonlyMap<string, PolicyObject>) {
  const names = new Set([...byUid.values()].map(({ name }) => name));
  const unreadable: UnreadableRecord[] = [];
  const orphans: OrphanedRun[] = [];
  for (const { record, uid, ownerUid } of maps) {
    const owner = ownerUid === undefined ? undefined : byUid.get(ownerUid);
    if (owner !== undefined) unreadable.push({ ...record, policy: owner.name });
    else if (ownerUid === undefined && names.has(record.policy)) unreadable.push(record);
    else if (record.policy !== '') orphans.push({ policy: record.policy, run: record.run, uid });
  }
  return { unreadable, orphans };
}

/** The statuses without a policy. One that names no policy is none of them: nobody knows if its policy exists. */
function orphansAmong(statuses: readonly Of<'status'>[], policies: readonly PolicyObject[]): OrphanedStatus[] {
  const names = new Set(policies.map(({ name }) => name));
  // The label of a status may have only a part of a long name.
  const configMaps = new Set(policies.map(({ name }) => statusName(name)));
  return statuses
    .filter(({ policy, configMap }) => policy !== '' && !names.has(policy) && !configMaps.has(configMap))
    .map(({ policy, configMap, uid, status: { resourceVersion } }) => ({ policy, configMap, uid, resourceVersion }));
}
