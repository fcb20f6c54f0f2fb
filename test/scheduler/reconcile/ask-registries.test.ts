import { beforeEach, expect, it } from 'vitest';
import { imagesIn } from '../../../scheduler/cleanup/candidates.ts';
import { type PullAnswer, PullChecks } from '../../../scheduler/pull-checks.ts';
import { secondsLater, start } from '../../helpers/builders.ts';
import type { FakeCluster } from '../../helpers/fake-cluster.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

const digest = (letter: string) => `docker.io/acme/${letter}@sha256:${letter.repeat(64)}`;
const line = (letter: string, outcome = 'planned') =>
  JSON.stringify({
    level: 'info',
    event: 'image',
    id: `sha256:${letter.repeat(64)}`,
    names: [`docker.io/acme/${letter}:1`, digest(letter)],
    decision: outcome === 'planned' ? 'remove' : 'keep',
    outcome,
    sizeBytes: 1,
  });
const listed = (count: number) => ({ outcome: 'DryRun', candidates: count }) as const;

let scheduler: ManualScheduler;
let cluster: FakeCluster;
/** The logs by pod; and the answers of registries by the name that is asked for. */
let logs: Map<string, string>;
let answers: Map<string, PullAnswer | Promise<PullAnswer>>;
let asked: string[];
let nowMs: number;

/** A new process, which knows no answer. */
function newChecks(): PullChecks {
  return new PullChecks({
    registries: {
      ask: async (name) => {
        asked.push(name);
        return answers.get(name) ?? { kind: 'Unknown', why: 'no answer in a test' };
      },
      stop: async () => {},
    },
    readLog: async (pod) => logs.get(pod),
    imagesIn,
    onAnswered: () => {},
    log: { info: () => {}, warn: () => {}, error: () => {} } as never,
    nowMs: () => nowMs,
  });
}

beforeEach(() => {
  [logs, answers, asked, nowMs] = [new Map(), new Map(), [], 0];
  scheduler = new ManualScheduler();
  scheduler.pullChecks = newChecks();
  cluster = scheduler.cluster;
  scheduler.edit({ images: { requirePullable: true } });
});

const podsOn = (node: string) => [...cluster.pods.values()].filter((pod) => pod.node === node);
const told = (node: string, attempt: number) =>
  podsOn(node)
    .filter((pod) => pod.attempt === attempt)
    .map(({ name }) => cluster.told.get(name)?.pullVerdicts)[0];
const argsOf = (node: string, attempt: number): string =>
  podsOn(node)
    .filter((pod) => pod.attempt === attempt)
    .map(({ name }) => JSON.stringify(cluster.bodies.get(name)))
    .join();
/** Lets the checks read logs and ask. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 20));

/** Ends the first pods of all nodes with a list of images. */
async function listImages(letters: readonly string[]): Promise<void> {
  await scheduler.pass(start);
  for (const { name } of cluster.pods.values()) logs.set(name, letters.map((letter) => line(letter)).join('\n'));
  cluster.finishPods(listed(letters.length));
}

it('the first pod on a node only lists images, and the second one has the answers of the registries (S12)', async () => {
  answers.set(digest('a'), { kind: 'Present' }).set(digest('b'), { kind: 'Absent' });
  await listImages(['a', 'b', 'c']);
  expect(argsOf('a', 0)).toContain('--candidates');
  await scheduler.pass(secondsLater(10));
  expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
  await settle();
  await scheduler.pass(secondsLater(12));
  expect(scheduler.pods()).toEqual(['a#0', 'a#1', 'b#0', 'b#1', 'c#0', 'c#1']);
  expect(argsOf('a', 1)).not.toContain('--candidates');
  expect(told('b', 1)).toEqual({
    pullable: [digest('a')],
    absent: [digest('b')],
    unanswered: { 'docker.io': 'no answer in a test' },
  });
  cluster.finishPods();
  await scheduler.pass(secondsLater(20));
  expect(scheduler.runs()[0]).toMatchObject({ phase: 'Succeeded', message: '3 of 3 nodes cleaned' });
});

it('a node without an image that may go needs no second pod (S12)', async () => {
  await listImages([]);
  await scheduler.pass(secondsLater(10));
  expect(scheduler.runs()[0]).toMatchObject({ phase: 'Succeeded' });
  expect([scheduler.pods(), asked]).toEqual([['a#0', 'b#0', 'c#0'], []]);
});

it('the run goes on as long as a registry has not answered, and the node gets no pod meanwhile (S12)', async () => {
  const { promise, resolve } = Promise.withResolvers<PullAnswer>();
  answers.set(digest('a'), promise);
  await listImages(['a']);
  for (const seconds of [10, 70, 300]) {
    await scheduler.pass(secondsLater(seconds));
    await settle();
    expect(scheduler.runs()[0]?.phase).toBe('Running');
    expect(scheduler.pods()).toHaveLength(3);
  }
  resolve({ kind: 'Present' });
  await settle();
  await scheduler.pass(secondsLater(310));
  expect(told('c', 1)?.pullable).toEqual([digest('a')]);
});

it('a scheduler that takes over reads the lists again, and asks again (S12)', async () => {
  answers.set(digest('a'), { kind: 'Present' });
  await listImages(['a']);
  await scheduler.pass(secondsLater(10));
  await settle();
  scheduler.restart();
  scheduler.pullChecks = newChecks();
  await scheduler.pass(secondsLater(20));
  expect(scheduler.pods()).toHaveLength(3);
  await settle();
  await scheduler.pass(secondsLater(22));
  expect(told('a', 1)?.pullable).toEqual([digest('a')]);
});

it('if the list is gone with its pod, the node lists its images again (S12)', async () => {
  await listImages(['a']);
  await scheduler.pass(secondsLater(10));
  scheduler.restart();
  scheduler.pullChecks = newChecks();
  for (const { name } of podsOn('b')) cluster.pods.delete(name);
  await scheduler.pass(secondsLater(20));
  await settle();
  await scheduler.pass(secondsLater(60));
  const [again] = podsOn('b');
  expect(again?.phase).toBe('Running');
  expect(argsOf('b', again?.attempt ?? 0)).toContain('--candidates');
  expect(argsOf('a', 1)).not.toContain('--candidates');
});

it('if the log of a list can not be read, the second pod keeps all images (S12)', async () => {
  await listImages(['a']);
  logs.clear();
  await scheduler.pass(secondsLater(10));
  await settle();
  await scheduler.pass(secondsLater(12));
  expect(told('a', 1)).toMatchObject({ pullable: [], note: expect.stringContaining('is gone') });
});

it('answers are not used after an hour: the lists are read again, and the registries asked again (S12)', async () => {
  answers.set(digest('a'), { kind: 'Present' });
  await listImages(['a']);
  await scheduler.pass(secondsLater(10));
  await settle();
  nowMs = 3_600_000;
  answers.set(digest('a'), { kind: 'Absent' });
  await scheduler.pass(secondsLater(12));
  await settle();
  await scheduler.pass(secondsLater(14));
  expect(told('a', 1)).toMatchObject({ pullable: [], absent: [digest('a')] });
});

it('a second pod that is lost is followed by one with the same answers (S12)', async () => {
  answers.set(digest('a'), { kind: 'Present' });
  await listImages(['a']);
  await scheduler.pass(secondsLater(10));
  await settle();
  await scheduler.pass(secondsLater(12));
  cluster.finishPods({ outcome: 'Failed', errors: [{ reason: 'RuntimeHangs', message: 'it hangs' }] });
  await scheduler.pass(secondsLater(14));
  await scheduler.pass(secondsLater(30));
  expect(told('a', 2)?.pullable).toEqual([digest('a')]);
});

it('a scheduler that may ask no registry says so with the path of the field, and its pods keep all images (S12)', async () => {
  scheduler.pullChecks = undefined;
  await scheduler.pass(start);
  expect(argsOf('a', 0)).not.toContain('--candidates');
  expect(told('a', 0)).toMatchObject({ pullable: [], note: expect.stringContaining('registry-check') });
  expect(cluster.events).toMatchObject([
    { reason: 'RunStarted' },
    { type: 'Warning', message: expect.stringMatching(/images\.requirePullable: this scheduler asks no registry/) },
  ]);
  const status = cluster.state().statuses.get('nightly')?.value;
  expect(status?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'False' }));
  scheduler.edit({}, '3');
  await scheduler.pass(secondsLater(10));
  const after = cluster.state().statuses.get('nightly')?.value;
  expect(after?.conditions).toContainEqual(expect.objectContaining({ type: 'Ready', status: 'True' }));
});

it('a policy that requires nothing of registries gets one pod on each node (S12)', async () => {
  scheduler.edit({}, '3');
  await scheduler.completeRun();
  expect([scheduler.pods(), argsOf('a', 0).includes('--candidates')]).toEqual([['a#0', 'b#0', 'c#0'], false]);
});

it('of a log, only the lines of images that may go are asked for, and all images are known (S12)', () => {
  const cut = line('d').slice(0, -20);
  const { ids, candidates } = imagesIn(
    [line('a'), line('b', 'kept'), '{"planned"}', '"image"', line('a'), cut].join('\n'),
  );
  expect([...candidates]).toEqual([[`sha256:${'a'.repeat(64)}`, [digest('a')]]]);
  expect([...ids]).toEqual(['a', 'b'].map((letter) => `sha256:${letter.repeat(64)}`));
});
