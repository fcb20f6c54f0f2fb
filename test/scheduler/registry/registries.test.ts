import { expect, it } from 'vitest';
import { PolitelyAskedRegistries } from '../../../scheduler/registry/registries.ts';
import type { Reply } from '../../../scheduler/registry/reply.ts';

const name = (index: number, host = 'registry.example') => `${host}/acme/app@sha256:${String(index).padStart(64, '0')}`;

/** Registries with a clock that goes on only while somebody sleeps. */
function open(reply: (asked: number, repository: string) => Reply | Promise<Reply>) {
  const clock = { nowMs: 0 };
  const asked: { readonly atMs: number; readonly name: string }[] = [];
  const timing = {
    nowMs: () => clock.nowMs,
    sleep: async (ms: number) => {
      await new Promise((resolve) => setImmediate(resolve));
      clock.nowMs = Math.max(clock.nowMs, clock.nowMs + ms);
    },
  };
  const registries = new PolitelyAskedRegistries(async (repository, digest) => {
    asked.push({ atMs: clock.nowMs, name: `${repository}@${digest}` });
    return reply(asked.length, repository);
  }, timing);
  const askAll = (count: number, host?: string) =>
    Promise.all(Array.from({ length: count }, (_, index) => registries.ask(name(index, host))));
  return { registries, clock, asked, askAll };
}

const kinds = (answers: readonly { kind: string }[]) => [...new Set(answers.map(({ kind }) => kind))];

it.each([
  ['Present', 3_600_000],
  ['Absent', 600_000],
  ['Refused', 60_000],
] as const)(
  'the answer %s is asked for once as long as it is fresh, also by many at once (S12)',
  async (kind, freshMs) => {
    const { registries, asked, clock } = open(() => ({ kind, why: 'a test' }));
    await Promise.all([registries.ask(name(1)), registries.ask(name(1))]);
    clock.nowMs += freshMs - 1;
    await registries.ask(name(1));
    expect(asked).toHaveLength(1);
    clock.nowMs += 1;
    await registries.ask(name(1));
    expect(asked).toHaveLength(2);
  },
);

it('a registry gets at most eight requests at the same time, and another one does not wait for it (S12)', async () => {
  let running = 0;
  let most = 0;
  const { askAll, registries } = open(async (_, repository) => {
    if (repository.startsWith('fast.example')) return { kind: 'Present' };
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
    return { kind: 'Present' };
  });
  const slow = askAll(100);
  expect(await registries.ask(name(1, 'fast.example'))).toEqual({ kind: 'Present' });
  expect(running).toBeGreaterThan(0);
  await slow;
  expect(most).toBe(8);
});

it('a registry that is down gets few requests, and all of its images are unknown (S12)', async () => {
  const { askAll, asked } = open(() => ({ kind: 'Failed', why: 'it could not be reached (ECONNREFUSED)' }));
  const answers = await askAll(3_000);
  expect(kinds(answers)).toEqual(['Unknown']);
  expect(answers.at(-1)).toMatchObject({ why: expect.stringContaining('ECONNREFUSED') });
  expect(asked.length).toBeLessThanOrEqual(24);
});

it('the pauses of a registry that stays down become longer, and it is asked again after each (S12)', async () => {
  const { askAll, asked, clock } = open(() => ({ kind: 'Failed', why: 'down' }));
  const rounds: number[] = [];
  for (let minutes = 0; minutes < 60; minutes += 1) {
    const before = asked.length;
    await askAll(3);
    if (asked.length > before) rounds.push(minutes);
    clock.nowMs += 60_000;
  }
  expect(rounds.length).toBeGreaterThan(3);
  expect(rounds.length).toBeLessThan(15);
});

it('a registry that has failed once is asked again after a pause, and its images are known (S12)', async () => {
  const { askAll, asked } = open((count) => (count <= 8 ? { kind: 'Failed', why: 'down' } : { kind: 'Present' }));
  expect(kinds(await askAll(50))).toEqual(['Present']);
  expect(asked[8]?.atMs).toBe(1_000);
});

it('during the pause that a registry asks for it gets no request, and then the same questions (S12)', async () => {
  const { askAll, asked } = open((count) =>
    count <= 8 ? { kind: 'Throttled', why: '429', retryAfterMs: 20_000 } : { kind: 'Present' },
  );
  expect(kinds(await askAll(50))).toEqual(['Present']);
  expect(asked.filter(({ atMs }) => atMs > 0 && atMs < 20_000)).toEqual([]);
});

it('a registry that asks for a long pause is not waited for, and gets no request before it is over (S12)', async () => {
  const { askAll, asked, clock } = open(() => ({ kind: 'Throttled', why: '429', retryAfterMs: 300_000 }));
  expect(kinds(await askAll(100))).toEqual(['Unknown']);
  expect(asked.length).toBeLessThanOrEqual(8);
  const before = asked.length;
  clock.nowMs = 299_000;
  await askAll(100);
  expect(asked).toHaveLength(before);
});

it('a registry that denies access keeps on being asked for other images (S12)', async () => {
  const { registries } = open((count) => (count < 50 ? { kind: 'Denied', why: '403' } : { kind: 'Present' }));
  for (let index = 1; index < 50; index += 1)
    expect(await registries.ask(name(index))).toEqual({ kind: 'Unknown', why: '403' });
  expect(await registries.ask(name(50))).toEqual({ kind: 'Present' });
});
