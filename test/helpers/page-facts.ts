import { cleanup } from '../../scheduler/cleanup/kind.ts';
import { tallyOf as cleanupTally, type Tally } from '../../scheduler/cleanup/tally.ts';
import { runKinds } from '../../scheduler/kinds.ts';
import type { Node, RunPod } from '../../scheduler/objects.ts';
import type { PageFacts } from '../../scheduler/page/facts.ts';
import { prepull } from '../../scheduler/prepull/kind.ts';
import type { ImageState } from '../../scheduler/prepull/states/image-state.ts';
import { tallyOf } from '../../scheduler/prepull/tally.ts';
import { podName } from '../../scheduler/run/names.ts';
import { backingOff, type NodeProgress, settled, started, waiting } from '../../scheduler/run/progress.ts';
import type { Run } from '../../scheduler/run/run.ts';
import {
  buildNode,
  buildPolicyObject,
  buildReport,
  buildRun,
  buildPod as buildRunPod,
  secondsLater,
  start,
  tried,
} from './builders.ts';
import { buildListObject, buildPrepull } from './prepull.ts';

const hour = 3_600;
const lists = [
  { name: 'base', images: ['docker.io/acme/api:1.4', 'docker.io/acme/worker:2'] },
  { name: 'models', images: [`registry.example.com:5000/team/model@sha256:${'a'.repeat(64)}`] },
];
const disk = { highPercent: 85, lowPercent: 70 };

/** A cluster with runs that succeeded, failed and are in progress, and with image lists. `names` replaces the names of its nodes. */
export function buildPageFacts(
  nodeCount: number,
  names: (index: number) => string = nodeName,
  words = 'no such socket',
): PageFacts {
  const nodes = Array.from({ length: nodeCount }, (_, index) => buildPageNode(names(index), index));
  const now = secondsLater(4 * hour + 90);
  const cleaned = [1, 2, 3].map((number) => cleanupRun(number, nodes, words));
  const active = activeRun(nodes, words);
  const pulled = pullRun(nodes, words);
  const runs = [...cleaned, active, pulled];
  const policies = [
    buildPolicyObject({ disk }, { name: 'nightly', uid: 'uid-nightly' }),
    buildPolicyObject({ rollout: { parallelism: '10%', canary: 2 } }, { name: 'ci', uid: 'uid-ci' }),
    buildListObject({ lists }, { name: 'base', uid: 'uid-base' }),
    buildPolicyObject({ schedule: '61 * * * *' }, { name: 'broken', uid: 'uid-broken' }),
  ];
  const statuses = new Map(
    policies.map(({ name, uid, resourceVersion }) => [
      name,
      {
        resourceVersion: '7',
        value: {
          policyUid: uid,
          observedVersion: resourceVersion,
          valid: name !== 'broken',
          problems: [],
          scheduleSince: start,
          nextSlot: name === 'broken' ? undefined : secondsLater(5 * hour),
          conditions: [
            {
              type: 'Ready' as const,
              status: 'True' as const,
              reason: 'Valid',
              message: 'the policy is valid',
              lastTransitionTime: start,
            },
          ],
        },
      },
    ]),
  );
  const pods = nodes.slice(0, 3).map((node) => reportedPod(cleaned[2]?.name ?? '', node.name, words));
  return {
    state: { policies, statuses, runs: runs.map((value) => ({ value, resourceVersion: '1' })), nodes, pods },
    kinds: runKinds,
    health: { isCurrent: true, leader: 'This' },
    place: { kind: 'Cluster', namespace: 'nodesweep' },
    version: '0.1.0',
    now,
  };
}

/**
 * The facts with image sets: policy nightly names one that does not exist, and two sets decided about images on each node of its
 * runs.
 */
export function withImageSets(facts: PageFacts, message = missingSet): PageFacts {
  const { state } = facts;
  const statuses = new Map(state.statuses);
  const stored = statuses.get('nightly');
  if (stored?.value === undefined) throw new Error('policy nightly has no status');
  const problem = {
    type: 'ImageSets',
    status: 'False',
    reason: 'SetMissing',
    message,
    lastTransitionTime: secondsLater(hour),
  } as const;
  const conditions = [...(stored.value.conditions ?? []), problem];
  statuses.set('nightly', { ...stored, value: { ...stored.value, conditions } });
  const runs = state.runs.map(({ value, ...version }) => ({ ...version, value: withSetFigures(value) }));
  return { ...facts, state: { ...state, statuses, runs } };
}

const missingSet =
  'images.excludeFrom[0]: image set frozen does not exist in namespace nodesweep; while it can not be read, the policy removes nothing';

function withSetFigures(run: Run): Run {
  const sets = { 'cve-critical': { removed: 2, kept: 0 }, frozen: { removed: 0, kept: 1 } };
  const nodes = [...run.nodes].map(([name, node]): [string, NodeProgress] => {
    const hasTally = node.state === 'Settled' && run.kind === cleanup && node.tally !== undefined;
    return [name, hasTally ? { ...node, tally: { ...(node.tally as Tally), sets } } : node];
  });
  return { ...run, nodes: new Map(nodes) };
}

/** The log of a cleaner with images about which sets decided, too. */
export function buildSetLog(): string {
  const of = { event: 'image', firstSeen: start.toISOString() };
  const lines = [
    {
      ...of,
      id: `sha256:${'4'.repeat(64)}`,
      names: ['registry.example.com/team/shop/old-frontend:2026-09-01'],
      sizeBytes: 650e6,
      decision: 'remove',
      outcome: 'removed',
      message: 'image set cve-critical: CVE-2026-1234 critical, by harbor',
      set: 'cve-critical',
    },
    {
      ...of,
      id: `sha256:${'5'.repeat(64)}`,
      names: ['registry.example.com/team/shop/frontend:12'],
      sizeBytes: 640e6,
      decision: 'keep',
      reason: 'Excluded',
      message: 'image set frozen: release 12, until the audit ends',
      set: 'frozen',
    },
  ];
  return [...lines.map((line) => JSON.stringify(line)), buildCleanerLog()].join('\n');
}

/** The log of a cleaner with images that it removed, could not remove and kept. `words` are messages. */
export function buildCleanerLog(words = 'no such socket'): string {
  const firstSeen = start.toISOString();
  const lastUsed = secondsLater(hour).toISOString();
  const lines = [
    { level: 'info', msg: 'begin' },
    {
      event: 'image',
      id: `sha256:${'1'.repeat(64)}`,
      names: ['docker.io/acme/web:1', 'docker.io/acme/web:latest'],
      sizeBytes: 420e6,
      decision: 'remove',
      outcome: 'failed',
      reason: 'RemovalFailed',
      message: words,
      firstSeen,
      lastUsed,
    },
    {
      event: 'image',
      id: `sha256:${'2'.repeat(64)}`,
      names: ['docker.io/acme/batch:7'],
      sizeBytes: 5.2e9,
      decision: 'remove',
      outcome: 'removed',
      firstSeen,
    },
    {
      event: 'image',
      id: `sha256:${'3'.repeat(64)}`,
      names: [],
      sizeBytes: 12e9,
      decision: 'keep',
      reason: 'InUse',
      message: `a container uses it: ${words}`,
      firstSeen,
      lastUsed,
    },
    { event: 'image', names: 'of another version' },
    { event: 'report', outcome: 'PartiallyFailed' },
  ];
  return [...lines.map((line) => JSON.stringify(line)), 'not JSON', '{', ''].join('\n');
}

function nodeName(index: number): string {
  return `ip-10-0-${Math.floor(index / 256)}-${index % 256}.eu-central-1.compute.internal`;
}

/** A number from 0 to `below` without a pattern, the same for each index. */
function scatter(index: number, below: number): number {
  return (index * 2_654_435_761) % below;
}

function buildPageNode(name: string, index: number): Node {
  return buildNode(name, {
    ready: index % 50 !== 7,
    unschedulable: index % 40 === 3,
    diskPressure: index % 60 === 1,
    osImage: 'Debian GNU/Linux 13',
    operatingSystem: 'linux',
  });
}

function cleanupRun(number: number, nodes: readonly Node[], words: string): Run {
  const progress = nodes.map(({ name }, index): [string, NodeProgress] => [name, cleaned(index, number, words)]);
  const startedAt = secondsLater(number * hour);
  return buildRun(
    { disk },
    {
      name: `nightly-${number}`,
      policy: 'nightly',
      phase: 'Failed',
      reason: 'NodesFailed',
      message: `some nodes failed: ${words}`,
      startedAt,
      finishedAt: secondsLater(180, startedAt),
      trigger: { type: 'Schedule', slot: startedAt },
      nodes: new Map(progress),
    },
  );
}

function cleaned(index: number, number: number, words: string): NodeProgress {
  if (index % 11 === 5)
    return settled(tried(4), 'Failed', {
      reason: 'NotStarted',
      message: `the cleaner did not start within 120 s: ${words}`,
    });
  if (index % 50 === 7) return settled(tried(0), 'Skipped', { reason: 'NotReady', message: 'the node is not ready' });
  const capacityBytes = 200e9;
  const usedBeforeBytes = capacityBytes * (0.72 + scatter(index + number * 7, 25) / 100);
  const usedAfterBytes = usedBeforeBytes - scatter(index, 30) * 1e9;
  const isAbove = usedAfterBytes > capacityBytes * 0.7;
  const report = buildReport({ bytes: { freed: usedBeforeBytes - usedAfterBytes, nominal: 0 } });
  const keptBytes = isAbove ? { InUse: 60e9 + index, TooYoung: 9e9, Excluded: 4e9 } : undefined;
  return settled(tried(1), 'Succeeded', {
    tally: cleanupTally(report),
    disk: { capacityBytes, usedBeforeBytes, usedAfterBytes, keptBytes, kept: { Pinned: { images: 2, bytes: 1e9 } } },
    ...(isAbove && { reason: 'TargetNotMet', message: 'usage stayed above lowPercent' }),
  });
}

function activeRun(nodes: readonly Node[], words: string): Run {
  const progress = nodes.map(({ name }, index): [string, NodeProgress] => {
    if (index % 13 === 4) return [name, backingOff(tried(1), { reason: 'ImagePullBackOff', message: words }, 5)];
    if (index % 3 === 0) return [name, settled(tried(1), 'Succeeded', {})];
    return [name, index % 3 === 1 ? started(tried(0), 0) : waiting];
  });
  return buildRun(
    { rollout: { parallelism: '10%', canary: 2 } },
    {
      name: 'ci-1',
      policy: 'ci',
      startedAt: secondsLater(4 * hour),
      trigger: { type: 'Request', request: words },
      nodes: new Map(progress),
    },
  );
}

function pullRun(nodes: readonly Node[], words: string): Run {
  const spec = buildPrepull(lists);
  const progress = nodes.map(({ name }, index): [string, NodeProgress] => {
    const states = new Map<number, ImageState>([
      [0, { state: 'Present', digest: `sha256:${'b'.repeat(64)}` }],
      [
        1,
        index % 9 === 2 ? { state: 'Failed', cause: { reason: 'Unauthorized', message: words } } : { state: 'Present' },
      ],
      [2, index % 4 === 0 ? { state: 'Unknown' } : { state: 'Present' }],
    ]);
    return [
      name,
      settled(tried(1), index % 9 === 2 ? 'Failed' : 'Succeeded', {
        tally: tallyOf([0, 1, 2], states),
        ...(index % 9 === 2 && { reason: 'Unauthorized', message: words }),
      }),
    ];
  });
  return {
    ...buildRun(
      {},
      {
        name: 'base-1',
        policy: 'base',
        phase: 'Failed',
        reason: 'NodesFailed',
        startedAt: secondsLater(2 * hour),
        finishedAt: secondsLater(2 * hour + 300),
        nodes: new Map(progress),
      },
    ),
    kind: prepull,
    spec,
    document: { schedule: '0 0 1 1 *', lists },
  };
}

function reportedPod(run: string, node: string, words: string): RunPod {
  const errors = [{ image: 'docker.io/acme/web:1', reason: 'RemovalFailed', message: words }];
  return buildRunPod(node, {
    run,
    name: podName(run, node, 0),
    phase: 'Failed',
    exitCode: 1,
    containerMessage: JSON.stringify(buildReport({ outcome: 'PartiallyFailed', errors })),
  });
}
