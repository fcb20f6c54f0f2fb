import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Clock } from '../../cleaner/history/clock.ts';
import { formatHistory, parseHistory } from '../../cleaner/history/format.ts';
import { updateHistory } from '../../cleaner/history/history.ts';
import { isExpired } from '../../cleaner/plan/keep-rules.ts';
import { buildFacts, buildImage, buildInUse, buildInventory, dayMs, minuteMs, now } from '../helpers/inventory.ts';

const image = buildImage('a.io/app:1');
const maxUnusedMs = 7 * dayMs;
/** A clock may be set right by so much without that counting as a step. */
const toleranceMs = minuteMs;

/** All that happens to a node, in order. A container that finished stays until it is removed, as with the kubelet. */
type Event =
  | { readonly kind: 'start' | 'finish' | 'remove' }
  /** Time passes, with a run each half day, or with none. */
  | { readonly kind: 'watch' | 'pass'; readonly ms: number }
  /** It is off for so long, or its clock is set to another time. */
  | { readonly kind: 'off' | 'step'; readonly ms: number };

const lasting = <Kind extends string>(kind: Kind, min: number, max: number) =>
  fc.record({ kind: fc.constant(kind), ms: fc.integer({ min, max }) });
const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ kind: fc.constantFrom('start' as const, 'finish' as const, 'remove' as const) }),
  lasting('watch', 0, 6 * dayMs),
  lasting('pass', 0, dayMs),
  lasting('off', 0, 60 * dayMs),
  lasting('step', -400 * dayMs, 400 * dayMs),
);

/** A node that was looked at once, with one image of which containers come and go; every time here is one of being up. */
class SimulatedNode {
  upMs = 0;
  /** The longest time between two runs. */
  longestGapMs = 0;
  #bootedAtUpMs = 0;
  #boot = 1;
  #wallMs = now;
  #container: 'none' | 'running' | 'finished' = 'none';
  #finishedAtWallMs = 0;
  #wasSeen = false;
  #usedAtUpMs = 0;
  #usedBeforeMs = 0;
  #text: string | undefined;
  #lastRunAtUpMs = 0;
  /** The time of being up that runs know of, and when in it the last of them saw a container. */
  #knownMs = 0;
  #seenUsedAtKnownMs = 0;

  /** Returns what each run came to. */
  happens(event: Event): readonly ReturnType<SimulatedNode['run']>[] {
    if (event.kind === 'watch') return this.#watch(event.ms);
    if (event.kind === 'pass') this.#pass(event.ms);
    if (event.kind === 'off') this.#restart(event.ms);
    if (event.kind === 'step') this.#wallMs = Math.max(0, this.#wallMs + event.ms);
    if (event.kind === 'start' && this.#container !== 'running') this.#start();
    if (event.kind === 'finish' && this.#container === 'running') this.#finish();
    if (event.kind === 'remove') this.#remove();
    return [];
  }

  /** One run: whether the image counts as unused for too long, and for how long it was really unused at least and at most. */
  run() {
    this.longestGapMs = Math.max(this.longestGapMs, this.upMs - this.#lastRunAtUpMs);
    if (this.#text !== undefined) this.#knownMs += this.upMs - Math.max(this.#lastRunAtUpMs, this.#bootedAtUpMs);
    this.#lastRunAtUpMs = this.upMs;
    const isUsed = this.#container !== 'none';
    if (isUsed) this.#seenUsedAtKnownMs = this.#knownMs;
    this.#wasSeen = isUsed;
    return {
      isExpired: this.#look(isUsed),
      unusedMs: this.#container === 'running' ? 0 : this.upMs - this.#usedAtUpMs,
      knownUnusedMs: this.#knownMs - this.#seenUsedAtKnownMs,
    };
  }

  #look(isUsed: boolean): boolean {
    const clock: Clock = { now: this.#wallMs, uptimeMs: this.upMs - this.#bootedAtUpMs, bootId: `boot-${this.#boot}` };
    const usage = buildInventory({
      images: [image],
      inUse: isUsed ? buildInUse(image) : new Map(),
      finishedAt: new Map(this.#container === 'finished' ? [[image.id, this.#finishedAtWallMs]] : []),
    });
    const earlier = this.#text === undefined ? undefined : parseHistory(this.#text, clock)?.history;
    const history = updateHistory(earlier, usage, clock.now);
    this.#text = formatHistory(history, clock);
    return isExpired(buildFacts({ job: { images: { maxUnusedAge: '7d' } }, history, now: clock.now }), image);
  }

  #watch(ms: number) {
    const results = [this.run()];
    for (let leftMs = ms; leftMs > 0; leftMs -= dayMs / 2) {
      this.#pass(Math.min(leftMs, dayMs / 2));
      results.push(this.run());
    }
    return results;
  }

  #pass(ms: number): void {
    this.upMs += ms;
    this.#wallMs += ms;
  }

  /** Whatever ran ends with the node. */
  #restart(offMs: number): void {
    if (this.#container === 'running') this.#finish();
    this.#wallMs += offMs;
    this.#boot++;
    this.#bootedAtUpMs = this.upMs;
  }

  /** A finished container of which no run has known is replaced without a trace. */
  #start(): void {
    if (this.#container === 'none' || this.#wasSeen) this.#usedBeforeMs = this.#usedAtUpMs;
    this.#wasSeen = false;
    this.#container = 'running';
  }

  #finish(): void {
    this.#container = 'finished';
    this.#usedAtUpMs = this.upMs;
    this.#finishedAtWallMs = this.#wallMs;
  }

  /** Images that came and went between two runs nobody can know of. */
  #remove(): void {
    if (this.#container === 'running') this.#finish();
    if (this.#container === 'finished' && !this.#wasSeen) this.#usedAtUpMs = this.#usedBeforeMs;
    this.#container = 'none';
  }
}

it('an image is removed for its age only if it was unused for that time while the node was up, whatever happens to node and clock', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 40 }), (events) => {
      const node = new SimulatedNode();
      for (const { isExpired, unusedMs, knownUnusedMs } of events.flatMap((event) => node.happens(event))) {
        if (isExpired) expect(unusedMs).toBeGreaterThan(maxUnusedMs - node.longestGapMs - toleranceMs);
        if (knownUnusedMs > maxUnusedMs + toleranceMs) expect(isExpired).toBe(true);
      }
    }),
    { numRuns: 2_000 },
  );
});

it('every unused image is removed at some time on a node that restarts every day', () => {
  const node = new SimulatedNode();
  const days = Array.from({ length: 20 }, () => {
    node.happens({ kind: 'off', ms: dayMs / 3 });
    return Array.from({ length: 16 }, () => {
      node.happens({ kind: 'pass', ms: dayMs / 24 });
      return node.run().isExpired;
    }).some(Boolean);
  });
  // 16 hours a day are known of, so that 7 days of being up are over in the course of the eleventh.
  expect(days.indexOf(true)).toBe(10);
});
