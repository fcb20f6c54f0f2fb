import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Clock } from '../../../cleaner/history/clock.ts';
import { formatHistory, parseHistory } from '../../../cleaner/history/format.ts';
import { lastActive } from '../../../cleaner/history/history.ts';
import { type HistoryStore, openHistory, type StoredHistory } from '../../../cleaner/history/run-history.ts';
import type { ImageUsage } from '../../../cleaner/runtime/inventory.ts';
import { buildImage, buildInUse, buildInventory, dayMs, minuteMs, now } from '../../helpers/inventory.ts';

const images = [buildImage('a.io/a'), buildImage('a.io/b')];
const cleanerCount = 3;

/** The truth about an image. All times are milliseconds for which the node was up, over all its starts. */
type Truth = {
  isPresent: boolean;
  pulledAt: number;
  /** The history can't tell this image from one that was there since then. */
  knownSince: number;
  /** The latest use that a look could see. */
  seenUsedAt: number;
  container: 'None' | 'Running' | 'Exited';
  stoppedAt: number;
  /** By the wall clock of that time, as a runtime tells it. */
  finishedAt: number;
  /** Tells that no step of the clock in the course of a run makes the finish seem to be at another time. */
  isFinishTold: boolean;
};

type Cleaner = {
  readonly history: ReturnType<typeof openHistory>;
  readonly usage: ImageUsage;
  readonly lookedAt: number;
  /** When each image was used last, as the look saw it. */
  readonly used: ReadonlyMap<string, number>;
  /** Lets the cleaner write what it saw. */
  readonly write: () => Promise<void>;
  stage: 'Looked' | 'Recalled' | 'Forgot' | 'Removed';
  forgotAt: number;
  forgotten: readonly string[];
  gone: readonly string[];
};

/** A node with a history in memory, on which cleaners overlap. */
function startNode() {
  let [up, startedAt, wall, boot, steps] = [dayMs, 0, now, 1, 0];
  let hasBootId = true;
  let text: string | undefined;
  let historySince = up;
  const cleaners: (Cleaner | undefined)[] = Array.from({ length: cleanerCount });
  const truths = new Map<string, Truth>();
  for (const { id } of images) {
    const container = 'None';
    const times = { pulledAt: 0, knownSince: 0, seenUsedAt: 0, stoppedAt: 0, finishedAt: 0 };
    truths.set(id, { isPresent: true, container, isFinishTold: true, ...times });
  }

  const readClock = (): Clock => ({
    now: wall,
    uptimeMs: up - startedAt,
    ...(hasBootId && { bootId: `boot-${boot}` }),
  });
  const read = (): StoredHistory => {
    const at = readClock();
    if (text === undefined) return { kind: 'Missing', at };
    const parsed = parseHistory(text, at);
    return parsed === undefined
      ? { kind: 'Damaged', at, reason: 'damaged' }
      : { kind: 'Found', at, history: parsed.history };
  };
  const truthOf = (id: string) => {
    const truth = truths.get(id);
    if (truth === undefined) throw new Error(`no image ${id}`);
    return truth;
  };

  function look(): Cleaner {
    const gate = Promise.withResolvers<void>();
    const store: HistoryStore = {
      readClock: async () => readClock(),
      load: async () => read(),
      change: async (change) => {
        await gate.promise;
        const stored = read();
        text = formatHistory(change(stored), stored.at);
      },
    };
    const present = images.filter(({ id }) => truthOf(id).isPresent);
    const inUse = present.filter(({ id }) => truthOf(id).container !== 'None');
    const exited = inUse.filter(({ id }) => truthOf(id).container === 'Exited');
    const finishedAt = new Map(exited.map(({ id }) => [id, truthOf(id).finishedAt]));
    const usage = buildInventory({ images: present, inUse: buildInUse(...inUse), finishedAt });
    const history = openHistory(store, () => {});
    const recalled = history.recall(usage);
    return {
      history,
      usage,
      lookedAt: up,
      used: new Map(
        inUse
          .filter(({ id }) => truthOf(id).isFinishTold)
          .map(({ id }) => [id, finishedAt.has(id) ? truthOf(id).stoppedAt : up]),
      ),
      write: async () => {
        gate.resolve();
        const { history: told, now: toldNow } = await recalled;
        expect(told.startedAt).toBeLessThanOrEqual(toldNow);
      },
      stage: 'Looked',
      forgotAt: 0,
      forgotten: [],
      gone: [],
    };
  }

  /** Nobody else may bring back an image that a look found gone before and after. */
  function learn({ lookedAt, usage, used }: Cleaner): void {
    for (const [id, truth] of truths) {
      const usedAt = used.get(id);
      if (usedAt !== undefined && truth.isPresent) truth.seenUsedAt = Math.max(truth.seenUsedAt, usedAt);
      const wasThere = usage.images.some((image) => image.id === id);
      const isForgotten = cleaners.some((cleaner) => cleaner?.forgotten.includes(id));
      if (!wasThere && !truth.isPresent && !isForgotten) truth.knownSince = Math.max(truth.knownSince, lookedAt);
    }
  }

  /** The next thing that a cleaner does; `choice` tells which images it takes, and which of these it fails to remove. */
  async function advanceCleaner(index: number, choice: number): Promise<void> {
    const cleaner = cleaners[index];
    if (cleaner === undefined) {
      cleaners[index] = look();
      return;
    }
    switch (cleaner.stage) {
      case 'Looked':
        await cleaner.write();
        learn(cleaner);
        cleaner.stage = 'Recalled';
        return;
      case 'Recalled':
        cleaner.forgotten = cleaner.usage.images.map(({ id }) => id).filter((_, bit) => (choice >> bit) % 2 === 0);
        cleaner.forgotAt = up;
        await cleaner.history.forget(cleaner.forgotten);
        cleaner.stage = 'Forgot';
        return;
      case 'Forgot':
        cleaner.gone = cleaner.forgotten.filter((id, bit) => remove(id, (choice >> bit) % 2 === 0, cleaner.forgotAt));
        cleaner.stage = 'Removed';
        return;
      case 'Removed':
        await cleaner.history.settle(cleaner.gone);
        for (const id of cleaner.gone) truthOf(id).knownSince = truthOf(id).isPresent ? truthOf(id).pulledAt : up;
        cleaners[index] = undefined;
        return;
      default:
        cleaner.stage satisfies never;
    }
  }

  /** Tells that the image is gone. Until its cleaner settles, the history knows no more than that it was forgotten then. */
  function remove(id: string, isTried: boolean, forgotAt: number): boolean {
    const truth = truthOf(id);
    if (!truth.isPresent) return true;
    if (!isTried || truth.container !== 'None') return false;
    truth.isPresent = false;
    truth.knownSince = Math.max(truth.knownSince, forgotAt);
    return true;
  }

  /** An image that is removed by others and pulled again between two looks can't be told from one that stayed. */
  function changeImage(id: string, to: 'Pull' | 'Remove' | 'Run' | 'Stop' | 'Delete'): void {
    const truth = truthOf(id);
    if (to === 'Pull' && !truth.isPresent) {
      const isKnown = truth.knownSince > truth.pulledAt;
      Object.assign(truth, { isPresent: true, pulledAt: up, seenUsedAt: isKnown ? 0 : truth.seenUsedAt });
    }
    if (to === 'Remove' && truth.container === 'None') truth.isPresent = false;
    if (to === 'Run' && truth.isPresent) Object.assign(truth, { container: 'Running', isFinishTold: true });
    if (to === 'Stop' && truth.container === 'Running') stop(truth);
    if (to === 'Delete' && truth.container === 'Exited') truth.container = 'None';
  }

  function stop(truth: Truth): void {
    Object.assign(truth, { container: 'Exited', stoppedAt: up, finishedAt: wall, isFinishTold: true });
  }

  /** A cleaner that looked before may still write, as if it were the first. */
  function spoil(spoilt: string | undefined): void {
    text = spoilt;
    const looks = cleaners.flatMap((cleaner) => (cleaner?.stage === 'Looked' ? [cleaner.lookedAt] : []));
    historySince = Math.min(up, ...looks);
    for (const cleaner of cleaners) if (cleaner) cleaner.forgotAt = Math.min(cleaner.forgotAt, historySince);
    for (const truth of truths.values()) {
      truth.knownSince = Math.min(truth.knownSince, historySince);
      truth.seenUsedAt = Math.min(truth.seenUsedAt, historySince);
    }
  }

  /** No two steps make up for each other. */
  const nextStep = () => dayMs * 2 ** (steps++ % 12);

  return {
    pass: (ms: number) => {
      up += ms;
      wall += ms;
    },
    advanceCleaner,
    killCleaner: (index: number) => {
      cleaners[index] = undefined;
    },
    changeImage,
    lose: () => spoil(undefined),
    damage: () => spoil(text?.slice(0, text.length / 2)),
    /** Of a step between a look and what its cleaner writes later, the next look knows nothing. */
    stepClock: (isAhead: boolean) => {
      const isRunning = cleaners.some((cleaner) => cleaner !== undefined);
      for (const truth of truths.values()) if (isRunning && truth.container === 'Exited') truth.isFinishTold = false;
      wall += isAhead ? nextStep() : -nextStep();
    },
    reboot: (isClockRight: boolean) => {
      for (const truth of truths.values()) if (truth.container === 'Running') stop(truth);
      cleaners.fill(undefined);
      boot++;
      startedAt = up;
      wall += isClockRight ? nextStep() : -nextStep();
    },
    toggleBootId: () => {
      hasBootId = !hasBootId;
    },
    /** Holds what is stored against the truth. */
    check: () => {
      const stored = read();
      if (stored.kind !== 'Found') return;
      const { history, at } = stored;
      expect(at.now - history.startedAt, 'age of the history').toBeLessThanOrEqual(up - historySince);
      for (const [id, truth] of truths) {
        const record = history.images.get(id);
        if (record === undefined || !truth.isPresent) continue;
        // A first run takes every image for an old one.
        if (record.firstSeen !== 0) expect(at.now - record.firstSeen, 'age').toBeLessThanOrEqual(up - truth.knownSince);
        const activeAt = Math.max(truth.knownSince, truth.seenUsedAt, historySince);
        const unusedMs = at.now - Math.max(lastActive(record), history.startedAt);
        expect(unusedMs, 'time unused').toBeLessThanOrEqual(up - activeAt);
      }
    },
  };
}

type Node = ReturnType<typeof startNode>;
type Event = { readonly what: string; readonly run: (node: Node) => unknown };

const cleanerIndex = fc.nat(cleanerCount - 1);
const event = (weight: number, arbitrary: fc.Arbitrary<Event>) => ({ weight, arbitrary });
const events = fc.oneof(
  event(
    10,
    fc.tuple(cleanerIndex, fc.nat(3)).map(([index, choice]) => ({
      what: `cleaner ${index} goes on (${choice})`,
      run: (node) => node.advanceCleaner(index, choice),
    })),
  ),
  event(
    6,
    fc
      .tuple(fc.constantFrom(...images), fc.constantFrom('Pull', 'Remove', 'Run', 'Stop', 'Delete'))
      .map(([{ id, names }, to]) => ({ what: `${to} ${names}`, run: (node) => node.changeImage(id, to) })),
  ),
  event(
    1,
    cleanerIndex.map((index) => ({ what: `cleaner ${index} is killed`, run: (node) => node.killCleaner(index) })),
  ),
  event(
    1,
    fc.boolean().map((isAhead) => ({ what: `step (${isAhead})`, run: (node) => node.stepClock(isAhead) })),
  ),
  event(
    1,
    fc.boolean().map((isRight) => ({ what: `reboot (${isRight})`, run: (node) => node.reboot(isRight) })),
  ),
  event(
    1,
    fc.constantFrom<Event>(
      { what: 'boot ID', run: (node) => node.toggleBootId() },
      { what: 'lost', run: (node) => node.lose() },
      { what: 'damaged', run: (node) => node.damage() },
    ),
  ),
);

it('no image counts as older or longer unused than it is, however cleaners overlap with each other, with restarts and with clock changes (H23, N8)', async () => {
  const times = fc.integer({ min: 1, max: 60 }).map((minutes) => minutes * minuteMs);
  const course = fc.array(fc.tuple(events, times), { maxLength: 50, size: 'max' });
  await fc.assert(
    fc.asyncProperty(course, async (all) => {
      const node = startNode();
      const done: string[] = [];
      try {
        for (const [{ what, run }, ms] of all) {
          done.push(`${what}, then ${ms / minuteMs} min`);
          await run(node);
          node.check();
          node.pass(ms);
        }
      } catch (error) {
        throw new Error(done.join('\n'), { cause: error });
      }
    }),
    { numRuns: 500 },
  );
});
