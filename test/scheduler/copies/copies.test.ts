import { beforeEach, describe, expect, it } from 'vitest';
import { Copies, type CopyQuestion } from '../../../scheduler/copies/copies.ts';
import type { Node, RunPod } from '../../../scheduler/objects.ts';
import { buildNode } from '../../helpers/builders.ts';

const begin = Date.UTC(2026, 0, 1);
const at = (seconds: number) => new Date(begin + seconds * 1_000);
const image = 'sha256:1';

let copies: Copies;
let isLeader: boolean;
let nodes: Node[];
let pods: RunPod[];

beforeEach(() => {
  [isLeader, nodes, pods] = [true, ['x', 'y', 'z'].map((name) => buildNode(name)), []];
  copies = new Copies(() => isLeader);
  copies.reset(at(-3_600));
});

const ended = { phase: 'Succeeded', exitCode: 0 } as const;
const buildPod = (node: string, seconds: number, fields: Partial<RunPod> = {}): RunPod => ({
  kind: 'cleaner',
  name: `${node}-${seconds}`,
  run: 'nightly',
  node,
  attempt: 0,
  createdAt: at(seconds),
  ...ended,
  ...fields,
});

/** A pod of this process lists the images of a node. */
async function list(
  node: string,
  seconds: number,
  facts: { ids?: string[]; candidates?: string[]; usedShare?: number } = {},
) {
  const pod = buildPod(node, seconds);
  pods.push(pod);
  await copies.create(pod.name, undefined, async () => pod.createdAt);
  const { ids = [image], candidates = ids, usedShare = 0.5 } = facts;
  copies.noteList(pod, { ids: new Set(ids), candidates: new Set(candidates), usedShare });
}

const ask = (node: string, seconds: number, question: Partial<CopyQuestion> = {}) =>
  copies.allow({
    node,
    pullable: [],
    unpullable: [image],
    nodes,
    pods,
    isToServe: () => false,
    activeDeadlineSeconds: 600,
    now: at(seconds),
    ...question,
  }).spared;

describe('a node may lose an image', () => {
  it('that another node has listed, for a short time (S12)', async () => {
    await list('y', 0);
    expect(ask('x', 10)).toEqual([image]);
    const { validUntil } = copies.allow({
      node: 'z',
      pullable: [],
      unpullable: [],
      nodes,
      pods,
      isToServe: () => false,
      activeDeadlineSeconds: 1,
      now: at(20),
    });
    expect(validUntil).toEqual(at(200));
  });

  it('but not if it has the only copy, if no other node is known, or if the other image has another ID (S12)', async () => {
    expect(ask('x', 1)).toEqual([]);
    await list('x', 2);
    await list('y', 3, { ids: ['sha256:2'] });
    expect(ask('x', 10)).toEqual([]);
  });

  it('whose ID the other node shows as CRI-O does, and the answer has the ID of the node that asks (S12)', async () => {
    await list('y', 0, { ids: ['1'] });
    expect(ask('x', 10)).toEqual([image]);
    await list('z', 20);
    expect(ask('y', 30, { unpullable: ['1'] })).toEqual(['1']);
    expect(ask('z', 40)).toEqual([]);
  });

  it('and then it does not count as a node that keeps it, until it has listed it again after its time (S12)', async () => {
    await list('x', 0);
    await list('y', 0);
    expect([ask('x', 10), ask('y', 11)]).toEqual([[image], []]);
    await list('x', 1_000);
    expect(ask('y', 1_010)).toEqual([]);
    await list('x', 1_500);
    expect(ask('y', 1_510)).toEqual([image]);
  });

  it('nor does it count for an image that it may lose because a registry has it (S12)', async () => {
    await list('x', 0);
    await list('y', 0);
    ask('x', 10, { pullable: [image], unpullable: [] });
    expect(ask('y', 11)).toEqual([]);
  });

  it('only for an hour after the list (S12)', async () => {
    await list('y', 0);
    expect(ask('z', 3_600)).toEqual([image]);
    expect(ask('x', 3_601)).toEqual([]);
  });

  it('only if this process leads, and has led for some minutes (S12)', async () => {
    await list('y', 0);
    isLeader = false;
    expect(ask('x', 10)).toEqual([]);
    isLeader = true;
    copies.reset(at(20));
    pods = [];
    await list('y', 100);
    expect([ask('x', 259), ask('x', 260)]).toEqual([[], [image]]);
  });
});

describe('the fullest node loses its copy first', () => {
  const later = { isToServe: () => true };

  it('so a node waits for a fuller one that is still to come (S12)', async () => {
    await list('x', 0, { usedShare: 0.5 });
    await list('y', 0, { usedShare: 0.9 });
    expect([ask('x', 10, later), ask('y', 20, later)]).toEqual([[], [image]]);
  });

  it.each([
    ['has had its turn', { usedShare: 0.9 }, {}],
    ['keeps the image for another reason', { usedShare: 0.9, candidates: [] }, later],
    ['is as full', { usedShare: 0.5 }, later],
  ])('but not for one that %s (S12)', async (_, facts, question) => {
    await list('x', 0, { usedShare: 0.5 });
    await list('y', 0, facts);
    expect(ask('x', 10, question)).toEqual([image]);
  });
});

describe('a list proves nothing', () => {
  const cases: [string, Partial<Node>][] = [
    ['is not ready', { ready: false }],
    ['was not ready in between', { readySince: at(1) }],
    ['became ready just before', { readySince: at(-59) }],
    ['is another machine of the same name', { createdAt: at(5) }],
    ['is cordoned', { unschedulable: true }],
    ['is under disk pressure, so that its kubelet removes images', { diskPressure: true }],
    ['is to be deleted', { taints: [{ key: 'karpenter.sh/disrupted', effect: 'NoSchedule' }] }],
    ['has another architecture', { labels: { 'kubernetes.io/arch': 'arm64' } }],
  ];
  it.each(cases)('if the node %s (S12)', async (_, change) => {
    await list('y', 0);
    nodes = nodes.map((node) => (node.name === 'y' ? { ...node, ...change } : node));
    expect(ask('x', 10)).toEqual([]);
  });

  it('if the node has left the cluster (S12)', async () => {
    await list('y', 0);
    nodes = nodes.filter(({ name }) => name !== 'y');
    expect(ask('x', 10)).toEqual([]);
  });

  it('if the pod is of another process, also if this one wanted to create it (S12)', async () => {
    const pod = buildPod('y', 0);
    await copies.create(pod.name, undefined, async () => undefined);
    copies.noteList(pod, { ids: new Set([image]), candidates: new Set(), usedShare: 0 });
    expect(ask('x', 10)).toEqual([]);
  });

  it('if the pod was created before this process began to lead (S12)', async () => {
    const { promise, resolve } = Promise.withResolvers<Date>();
    const pod = buildPod('y', 0);
    const created = copies.create(pod.name, undefined, () => promise);
    copies.reset(at(-3_600));
    resolve(pod.createdAt);
    await created;
    copies.noteList(pod, { ids: new Set([image]), candidates: new Set(), usedShare: 0 });
    expect(ask('x', 10)).toEqual([]);
  });

  it('if it is older than the one that is known (S12)', async () => {
    await list('y', 100, { ids: [] });
    await list('y', 0);
    expect(ask('x', 110)).toEqual([]);
  });
});

describe('a cleaner that this process did not create for copies', () => {
  const running = { phase: 'Running', exitCode: undefined } as const;
  const other = (seconds: number, fields: Partial<RunPod> = {}) => buildPod('y', seconds, { name: 'other', ...fields });

  it('may have removed anything until its end was seen, and a list counts only a minute later (S12)', async () => {
    pods = [other(-500, running)];
    copies.observe(pods, at(-400));
    await list('y', 0);
    expect(ask('x', 10)).toEqual([]);
    pods[0] = other(-500);
    expect(ask('x', 20)).toEqual([]);
    await list('y', 80);
    expect(ask('x', 85)).toEqual([]);
    await list('y', 81);
    expect(ask('x', 90)).toEqual([image]);
  });

  it('counts as active for the rest of its grace period after it has vanished (S12)', async () => {
    pods = [other(-500, running)];
    copies.observe(pods, at(0));
    pods = [];
    copies.observe(pods, at(10));
    await list('y', 190);
    expect(ask('x', 195)).toEqual([]);
    await list('y', 191);
    expect(ask('x', 195)).toEqual([image]);
  });

  it('on another node, or one that has long ended, does no harm, nor does a puller (S12)', async () => {
    pods = [other(-500)];
    copies.observe(pods, at(-400));
    await list('y', 0);
    pods.push(buildPod('z', 5, running), { ...other(5, running), name: 'puller', kind: 'puller' });
    expect(ask('x', 10)).toEqual([image]);
  });

  it('is what a pod counts as whose creation had no answer, and a refused one changes nothing (S12)', async () => {
    await list('y', 0);
    const create = async () => {
      throw new Error('the webhook of the cluster did not answer');
    };
    await expect(copies.create('other', at(600), create)).rejects.toThrow('webhook');
    expect(ask('x', 10)).toEqual([image]);
    pods.push(other(11, running));
    await list('y', 80);
    expect(ask('z', 90)).toEqual([]);
  });

  it('is as bad as one of this process that hangs after its time (S12)', async () => {
    const hanging = buildPod('y', -500, running);
    pods.push(hanging);
    await copies.create(hanging.name, at(0), async () => hanging.createdAt);
    await list('y', 0);
    expect(ask('z', 0)).toEqual([image]);
    expect(ask('x', 10)).toEqual([]);
  });
});
