import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { KubernetesApi } from '../../../scheduler/kubernetes/api/api.ts';
import { KubernetesTransport } from '../../../scheduler/kubernetes/api/transport.ts';
import { StartupTaintRemover } from '../../../scheduler/kubernetes/startup-taint-remover.ts';
import type { Node } from '../../../scheduler/objects.ts';
import { hasStartupTaint, isStartupTaint, startupTaint } from '../../../scheduler/pods/startup-taint.ts';
import type { Asked } from '../../helpers/loopback-api.ts';
import { LoopbackScheduler, nodes } from '../../helpers/loopback-scheduler.ts';

const gpu = { key: 'dedicated', value: 'gpu', effect: 'NoSchedule' };
const lookalike = { ...startupTaint, value: 'other' };

let scheduler: LoopbackScheduler;

beforeEach(async () => {
  scheduler = await LoopbackScheduler.start();
  scheduler.server.isAllowed = true;
});
afterEach(() => scheduler.stop());

function putNode(taints: readonly object[], metadata: object = {}): void {
  const creationTimestamp = '2026-03-02T10:00:00Z';
  scheduler.server.put(nodes, 'a', { metadata: { creationTimestamp, ...metadata }, spec: { taints } });
}

async function seen(): Promise<Node> {
  return vi.waitFor(() => {
    const [node] = scheduler.cluster.state().nodes;
    if (node === undefined) throw new Error('the node is not seen yet');
    return node;
  });
}

const taintsOf = () => (scheduler.server.objects.get(`${nodes}/a`) as { spec?: { taints?: object[] } })?.spec?.taints;
const isPatch = ({ method }: Asked) => method === 'PATCH';
const patches = () => scheduler.server.count('PATCH');
const reviews = () => scheduler.server.count('POST', ({ path }) => path.endsWith('/selfsubjectaccessreviews'));

describe('removing the startup taint from a node (P22)', () => {
  it('removes it and no other taint, and the state shows it at once', async () => {
    putNode([gpu, lookalike, startupTaint, { key: 'last', effect: 'NoExecute' }]);
    const node = await seen();
    expect(hasStartupTaint(node)).toBe(true);
    await scheduler.cluster.removeStartupTaint(node);
    expect(taintsOf()).toEqual([gpu, lookalike, { key: 'last', effect: 'NoExecute' }]);
    expect(hasStartupTaint(await seen())).toBe(false);
    await scheduler.cluster.removeStartupTaint(node);
    expect(patches()).toBe(1);
  });

  it('never loses a taint that somebody else sets or removes between the look and the change', async () => {
    const others = [gpu, lookalike, { key: 'c', effect: 'NoExecute' }, { key: 'd', value: 'x', effect: 'NoSchedule' }];
    const lists = fc.shuffledSubarray([...others, startupTaint]);
    await fc.assert(
      fc.asyncProperty(lists, fc.array(lists, { maxLength: 3 }), async (first, changes) => {
        putNode([startupTaint, ...others]);
        const node = await seen();
        putNode(first);
        let last = first;
        const pending = [...changes];
        scheduler.server.fault = (asked) => {
          const next = isPatch(asked) ? pending.shift() : undefined;
          if (next !== undefined) {
            last = next;
            putNode(next);
          }
          return undefined;
        };
        await scheduler.cluster.removeStartupTaint(node);
        const isRemoved = !taintsOf()?.some((taint) => isStartupTaint(taint as never));
        expect(isRemoved).toBe(true);
        expect(taintsOf()).toEqual(last.filter((taint) => !isStartupTaint(taint)));
      }),
      { numRuns: 40 },
    );
  });

  it('changes no other node of the same name, and succeeds if the node is gone', async () => {
    putNode([startupTaint]);
    const node = await seen();
    putNode([startupTaint], { creationTimestamp: '2026-03-02T11:00:00Z', uid: 'another' });
    await scheduler.cluster.removeStartupTaint(node);
    expect(taintsOf()).toEqual([startupTaint]);
    scheduler.server.remove(nodes, 'a');
    await scheduler.cluster.removeStartupTaint(node);
    expect(patches()).toBe(0);
  });

  it('does not change a node that was replaced at the last moment', async () => {
    putNode([startupTaint]);
    const node = await seen();
    let isReplaced = false;
    scheduler.server.fault = (asked) => {
      if (!isPatch(asked) || isReplaced) return undefined;
      isReplaced = true;
      putNode([startupTaint], { creationTimestamp: '2026-03-02T11:00:00Z', uid: 'another' });
      return undefined;
    };
    await scheduler.cluster.removeStartupTaint(node);
    expect(taintsOf()).toEqual([startupTaint]);
  });

  it.each([
    { code: 403, reason: 'Forbidden', patches: 1 },
    { code: 500, reason: 'InternalError', patches: 1 },
    { code: 409, reason: 'Conflict', patches: 4 },
    { code: 422, reason: 'Invalid', patches: 4 },
  ])('gives up with the words of the server if it is refused with $code', async ({ code, reason, ...expected }) => {
    putNode([startupTaint]);
    const node = await seen();
    scheduler.server.fault = (asked) => (isPatch(asked) ? { code, reason } : undefined);
    await expect(scheduler.cluster.removeStartupTaint(node)).rejects.toThrow(
      `could not remove the startup taint from node a: ${code}: refused: ${reason}`,
    );
    expect(patches()).toBe(expected.patches);
  });
});

describe('the right to change nodes (P22)', () => {
  it('is asked for once for all callers, and again a while after it was denied', async () => {
    let nowMs = 0;
    const transport = new KubernetesTransport(scheduler.server.config);
    const api = new KubernetesApi({ transport, requestsPerSecond: 1_000 });
    const remover = new StartupTaintRemover(api, { apply: () => {} }, () => nowMs);
    const ask = () => Promise.all([remover.isAllowed(), remover.isAllowed()]);
    scheduler.server.isAllowed = false;
    expect(await ask()).toEqual([false, false]);
    expect(await ask()).toEqual([false, false]);
    expect(reviews()).toBe(1);
    scheduler.server.isAllowed = true;
    nowMs = 20_000;
    expect(await ask()).toEqual([true, true]);
    expect(await ask()).toEqual([true, true]);
    expect(reviews()).toBe(2);
    await api.close();
  });

  it('is asked for again after a change was forbidden', async () => {
    putNode([startupTaint]);
    const node = await seen();
    expect(await scheduler.cluster.mayRemoveStartupTaint()).toBe(true);
    scheduler.server.isAllowed = false;
    scheduler.server.fault = (asked) => (isPatch(asked) ? { code: 403, reason: 'Forbidden' } : undefined);
    await expect(scheduler.cluster.removeStartupTaint(node)).rejects.toThrow();
    expect(await scheduler.cluster.mayRemoveStartupTaint()).toBe(false);
  });

  it('counts as given if the server does not let this process ask', async () => {
    scheduler.server.fault = ({ path }) => (path.endsWith('reviews') ? { code: 403, reason: 'Forbidden' } : undefined);
    expect(await scheduler.cluster.mayRemoveStartupTaint()).toBe(true);
  });

  it('is not used if it is missing: a whole scheduler sends no patch', async () => {
    scheduler.server.isAllowed = false;
    putNode([startupTaint]);
    await seen();
    for (let count = 0; count < 20; count += 1) await scheduler.pass(count * 60);
    expect(patches()).toBe(0);
    expect(reviews()).toBe(1);
    expect(taintsOf()).toEqual([startupTaint]);
  });

  it('is used by a whole scheduler, which then asks nothing more', async () => {
    putNode([startupTaint, gpu]);
    await seen();
    await scheduler.pass(700);
    expect(taintsOf()).toEqual([gpu]);
    const { length } = scheduler.server.asked;
    await scheduler.pass(710);
    expect(scheduler.server.asked.slice(length).filter(({ method }) => method !== 'GET')).toEqual([]);
  });
});
