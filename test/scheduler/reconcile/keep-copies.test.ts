import { beforeEach, expect, it } from 'vitest';
import type { Report } from '../../../contract/report.ts';
import { hasListed, imagesIn, usedShareOf } from '../../../scheduler/cleanup/candidates.ts';
import { Copies } from '../../../scheduler/copies/copies.ts';
import { type PullAnswer, PullChecks } from '../../../scheduler/pull-checks.ts';
import { buildPolicyObject, buildReportedPod, buildSpec, secondsLater, start } from '../../helpers/builders.ts';
import type { FakeCluster } from '../../helpers/fake-cluster.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

const idOf = (letter: string) => `sha256:${letter.repeat(64)}`;
const line = (letter: string, decision: 'remove' | 'keep') =>
  JSON.stringify({
    level: 'info',
    event: 'image',
    id: idOf(letter),
    names: [`docker.io/acme/${letter}:1`, `docker.io/acme/${letter}@${idOf(letter)}`],
    decision,
    ...(decision === 'remove' ? { outcome: 'planned' } : { reason: 'InUse' }),
    sizeBytes: 1,
  });

/** The images of a node: those that may go, and those that another rule keeps. */
interface Listed {
  readonly mayGo?: string;
  readonly stay?: string;
  readonly usedPercent?: number;
}

let scheduler: ManualScheduler;
let cluster: FakeCluster;
let logs: Map<string, string>;
let answers: Map<string, PullAnswer>;

/** A process that leads since a time, and knows nothing of the work before. */
function lead(since: Date): void {
  const copies = new Copies(() => true);
  copies.reset(since);
  scheduler.copies = copies;
  scheduler.pullChecks = new PullChecks({
    registries: { ask: async (name) => answers.get(name) ?? { kind: 'Absent' }, stop: async () => {} },
    readLog: async (pod) => logs.get(pod),
    imagesIn,
    onListed: (pod, { ids, candidates }) =>
      copies.noteList(pod, { ids, candidates: new Set(candidates.keys()), usedShare: usedShareOf(pod) }),
    onAnswered: () => {},
    log: { info: () => {}, warn: () => {}, error: () => {} } as never,
    nowMs: () => cluster.now.getTime(),
  });
}

beforeEach(() => {
  [logs, answers] = [new Map(), new Map()];
  scheduler = new ManualScheduler();
  cluster = scheduler.cluster;
  lead(secondsLater(-3_600));
  scheduler.edit({ images: { keepLastCopy: true } });
});

/** Ends the pods on nodes with a list of their images. */
function list(images: Readonly<Record<string, Listed>>): void {
  for (const [node, { mayGo = '', stay = '', usedPercent = 50 }] of Object.entries(images)) {
    const [pod] = [...cluster.pods.values()].filter((other) => other.node === node && other.phase === 'Running');
    const lines = [
      ...[...mayGo].map((letter) => line(letter, 'remove')),
      ...[...stay].map((letter) => line(letter, 'keep')),
    ];
    logs.set(pod?.name ?? '', lines.join('\n'));
    const filesystem = { capacityBytes: 100, usedBeforeBytes: usedPercent, usedAfterBytes: usedPercent };
    cluster.finishPods({ outcome: 'DryRun', candidates: mayGo.length, filesystem }, [node]);
  }
}

/** Lets the checks read logs and ask, between two passes. */
async function passTwice(seconds: number): Promise<void> {
  await scheduler.pass(secondsLater(seconds));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await scheduler.pass(secondsLater(seconds + 1));
}

/** The answer that the newest pod on a node has, with letters for IDs. */
function told(node: string) {
  const pods = [...cluster.pods.values()].filter((pod) => pod.node === node && pod.run.startsWith('nightly'));
  const [newest] = pods.sort((one, other) => other.attempt - one.attempt);
  const { pullVerdicts } = cluster.told.get(newest?.name ?? '') ?? {};
  const spared = pullVerdicts?.copies?.spared.map((id) => id.charAt('sha256:'.length)).join('');
  return { attempt: newest?.attempt, spared, verdicts: pullVerdicts };
}

const spared = () => Object.fromEntries(['a', 'b', 'c'].map((node) => [node, told(node).spared]));

it('of an image that no registry has, one copy stays, on the node whose disk has most room (S12)', async () => {
  await scheduler.pass(start);
  list({ a: { mayGo: 'x', usedPercent: 60 }, b: { mayGo: 'x', usedPercent: 30 }, c: { mayGo: 'x', usedPercent: 90 } });
  await passTwice(10);
  // The fullest one is the last of the three here, and the first one waits for it.
  expect(spared()).toEqual({ a: '', b: '', c: 'x' });
  expect(told('c').verdicts?.copies?.until).toBe(secondsLater(11 + 180).toISOString());
  cluster.finishPods();
  await scheduler.pass(secondsLater(20));
  expect(scheduler.runs()[0]).toMatchObject({ phase: 'Succeeded' });
});

it('one that a registry has goes from all nodes, without the others (S12)', async () => {
  answers.set(`docker.io/acme/x@${idOf('x')}`, { kind: 'Present' });
  await scheduler.pass(start);
  list({ a: { mayGo: 'x' }, b: { mayGo: 'x' }, c: { mayGo: 'x' } });
  await passTwice(10);
  expect(spared()).toEqual({ a: '', b: '', c: '' });
  expect(told('b').verdicts?.pullable).toHaveLength(1);
});

it('one for which the registry did not answer counts as one that it does not have (S12)', async () => {
  answers.set(`docker.io/acme/x@${idOf('x')}`, { kind: 'Unknown', why: '503' });
  await scheduler.pass(start);
  list({ a: { mayGo: 'x' }, b: { stay: 'x' }, c: {} });
  await passTwice(10);
  expect(told('a').spared).toBe('x');
});

it('a copy that another rule keeps is enough, also on a node without an image that may go (S12)', async () => {
  await scheduler.pass(start);
  list({ a: { mayGo: 'xy' }, b: { stay: 'x', usedPercent: 90 }, c: { mayGo: 'xz' } });
  await passTwice(10);
  expect(spared()).toEqual({ a: 'x', b: undefined, c: 'x' });
  expect(told('b').attempt).toBe(0);
});

it('a cleaner that has failed, or that has listed nothing for registries, is no list (S12)', () => {
  const hasList = (report: Partial<Report>, document: object = { keepLastCopy: true }) =>
    hasListed(buildReportedPod('a', report), buildSpec({ images: document }));
  expect(hasList({ outcome: 'DryRun', candidates: 0 })).toBe(true);
  expect(hasList({ outcome: 'DryRun', candidates: 0 }, { requirePullable: true })).toBe(false);
  expect(hasList({ outcome: 'DryRun', candidates: 1 }, { requirePullable: true })).toBe(true);
  expect(hasList({ outcome: 'DryRun' })).toBe(false);
  expect(hasList({ outcome: 'Failed', candidates: 0 })).toBe(false);
});

it('a node waits for the lists of others, so that the fullest one loses its copy first (S12)', async () => {
  await scheduler.pass(start);
  list({ a: { mayGo: 'x', usedPercent: 90 } });
  await passTwice(10);
  expect(told('a').attempt).toBe(0);
  list({ b: { mayGo: 'x', usedPercent: 30 }, c: { mayGo: 'x', usedPercent: 50 } });
  await passTwice(20);
  expect(spared()).toEqual({ a: 'x', b: '', c: 'x' });
});

it('a node waits for a minute at most, and keeps its images while it knows of no others (S12)', async () => {
  await scheduler.pass(start);
  list({ a: { mayGo: 'x' } });
  await passTwice(10);
  await passTwice(68);
  expect(told('a').attempt).toBe(0);
  await passTwice(70);
  expect(told('a')).toMatchObject({ attempt: 1, spared: '' });
  list({ b: { mayGo: 'x' }, c: { mayGo: 'x' } });
  await passTwice(80);
  expect(spared()).toEqual({ a: '', b: 'x', c: 'x' });
});

it('a pod that is lost is followed by one with a new answer, and its node still does not count (S12)', async () => {
  await scheduler.pass(start);
  list({ a: { mayGo: 'x' }, b: { mayGo: 'x' }, c: {} });
  await passTwice(10);
  expect([told('a').spared, told('b').spared]).toEqual(['x', '']);
  cluster.finishPods({ outcome: 'Failed', errors: [{ reason: 'RuntimeHangs', message: 'it hangs' }] }, ['a', 'b']);
  await scheduler.pass(secondsLater(14));
  await scheduler.pass(secondsLater(30));
  expect([told('a'), told('b')]).toMatchObject([
    { attempt: 2, spared: 'x' },
    { attempt: 2, spared: '' },
  ]);
});

it('a scheduler that takes over knows nothing of other nodes, and removes no such image until the next run (S12)', async () => {
  await scheduler.pass(start);
  list({ a: { mayGo: 'x' }, b: { mayGo: 'x' }, c: { stay: 'x' } });
  scheduler.restart();
  lead(secondsLater(-3_600));
  await passTwice(10);
  await passTwice(20);
  expect(spared()).toEqual({ a: '', b: '', c: undefined });
});

it('a scheduler that has led for four minutes counts the lists of its own pods (S12)', async () => {
  lead(secondsLater(-235));
  await scheduler.pass(start);
  list({ a: { mayGo: 'x' }, b: { stay: 'x' }, c: { mayGo: 'x' } });
  await scheduler.pass(secondsLater(1));
  await new Promise((resolve) => setTimeout(resolve, 20));
  await scheduler.pass(secondsLater(4));
  expect(told('a').spared).toBe('');
  expect(told('a').verdicts?.copies?.note).toMatch(/^the scheduler began to lead only minutes ago/);
  cluster.finishPods({ outcome: 'Failed', errors: [{ reason: 'RuntimeHangs', message: 'it hangs' }] }, ['a']);
  await scheduler.pass(secondsLater(6));
  await scheduler.pass(secondsLater(30));
  expect(told('a')).toMatchObject({ attempt: 2, spared: 'x' });
  expect(told('a').verdicts?.copies).not.toHaveProperty('note');
});

it('while a cleaner of a policy without the field is on a node, that node counts as one without copies (S12)', async () => {
  cluster.policies = [...cluster.policies, buildPolicyObject({}, { name: 'other', uid: 'uid-of-other' })];
  await scheduler.pass(start);
  for (const pod of [...cluster.pods.values()].filter(({ run }) => run.startsWith('other')))
    if (pod.node === 'b') cluster.pods.set(pod.name, { ...pod, phase: 'Pending' });
    else cluster.pods.delete(pod.name);
  list({ a: { mayGo: 'x' }, b: { stay: 'x' }, c: {} });
  await passTwice(10);
  expect(told('a').spared).toBe('');
});

it('with requirePullable too, no copy is removed that no registry has (S12)', async () => {
  scheduler.edit({ images: { keepLastCopy: true, requirePullable: true } });
  await scheduler.pass(start);
  list({ a: { mayGo: 'x' }, b: { stay: 'x' }, c: {} });
  await passTwice(10);
  expect(told('a')).toMatchObject({ attempt: 1, spared: undefined, verdicts: { pullable: [] } });
});

it('a scheduler that may ask no registry says so with the path of the field, and its pods keep all such images (S12)', async () => {
  [scheduler.pullChecks, scheduler.copies] = [undefined, undefined];
  await scheduler.pass(start);
  expect(told('a')).toMatchObject({ attempt: 0, spared: undefined, verdicts: { pullable: [] } });
  expect(told('a').verdicts?.note).toMatch(/or take images\.keepLastCopy out of the policy/);
  expect(cluster.events).toContainEqual(
    expect.objectContaining({
      type: 'Warning',
      message: expect.stringMatching(/images\.keepLastCopy: this scheduler asks no registry/),
    }),
  );
});
