import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LoopbackScheduler, maps } from '../../helpers/loopback-scheduler.ts';

let scheduler: LoopbackScheduler;
beforeEach(async () => {
  scheduler = await LoopbackScheduler.start();
});
afterEach(() => scheduler.stop());

const labels = { 'nodesweep.io/kind': 'image-set' };
const updatedAt = '2026-03-01T00:00:00.000Z';

function putSet(name: string, data: Record<string, string> | undefined, metadata: object = {}): void {
  scheduler.server.put(maps, name, { metadata: { labels, ...metadata }, ...(data && { data }) });
}

/** Waits for a state. A busy machine takes long. */
const within = (check: () => void) => vi.waitFor(check, { timeout: 60_000, interval: 1 });
const setNamed = (name: string) => scheduler.cluster.state().imageSets?.byName.get(name);

it('image sets are watched, without their texts (S6)', async () => {
  putSet(
    'frozen',
    { 'a.txt': 'nginx:1.27 # release 12\nBAD NAME' },
    { annotations: { 'nodesweep.io/updated-at': updatedAt } },
  );
  await within(() => expect(setNamed('frozen')).toBeDefined());
  expect(setNamed('frozen')).toMatchObject({
    updatedAt: new Date(updatedAt),
    content: {
      kind: 'Readable',
      entries: 1,
      invalidLines: 1,
      firstInvalid: expect.stringContaining('key a.txt, line 2'),
    },
  });
  expect(JSON.stringify(scheduler.cluster.state().imageSets)).not.toContain('release 12');
  expect(scheduler.cluster.state().imageSets?.place).toBe('in namespace nodesweep');
  putSet('frozen', { 'a.txt': 'nginx:1.28' });
  await within(() => expect(setNamed('frozen')).toMatchObject({ content: { entries: 1, invalidLines: 0 } }));
  scheduler.server.remove(maps, 'frozen');
  await within(() => expect(setNamed('frozen')).toBeUndefined());
});

it('sets that exist at the start are known before the first decision, however many and large they are (S6)', async () => {
  const large = Array.from({ length: 180_000 }, (_, index) => `a:${index % 100}`).join('\n');
  for (let index = 0; index < 5; index += 1) putSet(`set-${index}`, { list: index === 2 ? large : 'nginx:1' });
  await scheduler.restart();
  expect([...(scheduler.cluster.state().imageSets?.byName.keys() ?? [])].sort()).toEqual([
    'set-0',
    'set-1',
    'set-2',
    'set-3',
    'set-4',
  ]);
  expect(setNamed('set-2')).toMatchObject({ content: { entries: 180_000 } });
});

it.each<[what: string, expected: string | undefined, metadata: object]>([
  [
    'the newest change of a field',
    '2026-02-02T00:00:00.000Z',
    {
      creationTimestamp: '2026-01-01T00:00:00Z',
      managedFields: [{ time: '2026-02-02T00:00:00Z' }, { time: '2026-02-01T00:00:00Z' }, {}],
    },
  ],
  ['its creation', '2026-01-01T00:00:00.000Z', { creationTimestamp: '2026-01-01T00:00:00Z' }],
  [
    'unknown with an annotation that is no time',
    undefined,
    {
      creationTimestamp: '2026-01-01T00:00:00Z',
      annotations: { 'nodesweep.io/updated-at': 'today' },
    },
  ],
])('the time of a set is %s (S6)', async (_, expected, metadata) => {
  putSet('frozen', { list: 'nginx:1' }, metadata);
  await within(() => expect(setNamed('frozen')).toBeDefined());
  expect(setNamed('frozen')?.updatedAt?.toISOString()).toBe(expected);
});

it('a set without keys is known, and disturbs neither policies nor other sets (S6)', async () => {
  putSet('empty', undefined);
  putSet('frozen', { list: 'nginx:1' });
  scheduler.putPolicy('nightly');
  await within(() => expect(setNamed('frozen')).toBeDefined());
  expect(setNamed('empty')).toMatchObject({ content: { kind: 'Unreadable', cause: 'has no keys' } });
  await within(() => expect(scheduler.cluster.state().policies).toHaveLength(1));
});

it('a policy is not held up while a large set is read (S6)', async () => {
  const large = Array.from({ length: 180_000 }, (_, index) => `a:${index % 100}`).join('\n');
  putSet('large', { list: large });
  scheduler.putPolicy('nightly');
  await within(() => expect(scheduler.cluster.state().policies).toHaveLength(1));
  expect(setNamed('large')).toBeUndefined();
  await within(() => expect(setNamed('large')).toMatchObject({ content: { entries: 180_000 } }));
});

it('a set of the same version is read again after the store was restored from a backup', async () => {
  scheduler.server.backUp();
  putSet('frozen', { list: 'nginx:1' });
  putSet('later', { list: 'nginx:1' });
  await within(() => expect(setNamed('later')).toBeDefined());
  const before = setNamed('frozen')?.version;
  scheduler.server.restore();
  putSet('frozen', { list: 'nginx:1\nnginx:2' });
  await within(() => expect(setNamed('frozen')).toMatchObject({ content: { entries: 2 } }));
  expect(setNamed('frozen')?.version).toBe(before);
});
