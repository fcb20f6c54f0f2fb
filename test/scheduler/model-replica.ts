import { RunJournal } from '../../scheduler/journal/journal.ts';
import { BackgroundTasks } from '../../scheduler/reconcile/background-tasks.ts';
import { reconcile } from '../../scheduler/reconcile/reconcile.ts';
import { connectModel, listAll, type Views } from './model-client.ts';
import { ApiError, type Fault, Faults } from './model-faults.ts';
import type { CatchUp } from './model-view.ts';
import type { World } from './model-world.ts';

/** A pod that doesn't start is given up after so long. */
export const startTimeoutMs = 30_000;

/** As in the loop of the scheduler. */
const debounceMs = 50;
const idleMs = 60_000;

/** One process of the scheduler: it hears of changes, keeps its appointments, and can be killed. */
export class Replica {
  readonly faults = new Faults();
  readonly #world: World;
  readonly #index: number;
  /** The number of milliseconds that its calls take, one after the other, over and over; nothing where there are none. */
  readonly #paces: readonly number[];
  readonly #onUnexpected: (error: unknown) => void;
  /** The watches that are late, and how they will catch up. */
  readonly #late = new Map<keyof Views, CatchUp>();
  #views: Views;
  #journal = new RunJournal();
  #background: BackgroundTasks;
  /** A process that was killed is of an earlier generation: nothing it does or hears counts any more. */
  #generation = 0;
  #isAlive = false;
  #isPassing = false;
  #isTroubled = true;
  #dueAt = Number.POSITIVE_INFINITY;
  #outageUntil = 0;
  #calls = 0;
  /** Its calls that are not answered yet: work beside the passes goes on when they are over. */
  #openCalls = 0;

  constructor(world: World, index: number, paces: readonly number[], onUnexpected: (error: unknown) => void) {
    this.#world = world;
    this.#index = index;
    this.#paces = paces;
    this.#onUnexpected = onUnexpected;
    this.#views = listAll(world);
    this.#background = new BackgroundTasks(this.#log);
  }

  get isPassing(): boolean {
    return this.#isPassing;
  }

  /** True if it knows everything, was refused nothing in its last pass, and has nothing to do at once. */
  get isCalm(): boolean {
    const isWorking = this.#isPassing || this.#openCalls > 0;
    const isIdle = this.#isAlive && !isWorking && this.#dueAt > this.#world.timeline.now + debounceMs;
    const isCurrent = Object.values(this.#views).every(({ isBehind }) => !isBehind);
    return isIdle && !this.#isTroubled && !this.#isHeldBack && isCurrent;
  }

  /** True while a step that failed waits to be tried again. */
  get #isHeldBack(): boolean {
    const { troubles } = this.#journal;
    const { now } = this.#world.timeline;
    const uids = [...this.#views.configMaps.entries.values()].map(({ uid }) => uid);
    const isHeld = (uid: string) =>
      troubles.of(uid).some((step) => (troubles.heldUntil(uid, step)?.getTime() ?? 0) > now);
    return uids.some(isHeld);
  }

  /** The runs as this process knows them. */
  runsOf(policy: string) {
    return this.#journal.runs.of(policy);
  }

  start(): void {
    if (this.#isAlive) return;
    this.#generation += 1;
    this.#isAlive = true;
    this.#isTroubled = true;
    this.#openCalls = 0;
    this.#late.clear();
    this.#views = listAll(this.#world);
    this.#journal = new RunJournal();
    this.#background = new BackgroundTasks(this.#log);
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#schedule(this.#world.timeline.now + debounceMs);
  }

  kill(restartSeconds: number): void {
    if (!this.#isAlive) return;
    this.#generation += 1;
    this.#isAlive = false;
    this.#isPassing = false;
    this.#world.timeline.after(restartSeconds * 1000, () => this.start());
  }

  /** A table of the world has changed. */
  hear(table: keyof Views): void {
    if (!this.#isAlive || this.#late.has(table)) return;
    this.#views[table].catchUp('Resumed');
    this.#schedule(this.#world.timeline.now + debounceMs);
  }

  /** One of its watches tells nothing for so long. */
  delay(table: keyof Views, seconds: number, how: CatchUp): void {
    if (!this.#isAlive || this.#late.has(table)) return;
    const generation = this.#generation;
    this.#late.set(table, how);
    this.#world.timeline.after(seconds * 1000, () => {
      if (generation === this.#generation) this.#catchUp(table);
    });
  }

  /** The API server answers nothing but errors for so long. */
  cutOff(seconds: number): void {
    this.#outageUntil = this.#world.timeline.now + seconds * 1000;
  }

  /** Makes it look, though nothing has changed. */
  poke(): void {
    if (this.#isAlive) this.#schedule(this.#world.timeline.now + debounceMs);
  }

  /** Nothing goes wrong from now on. */
  recover(): void {
    this.faults.clear();
    this.#outageUntil = 0;
    for (const table of [...this.#late.keys()]) this.#catchUp(table);
    this.start();
  }

  #catchUp(table: keyof Views): void {
    const how = this.#late.get(table);
    this.#late.delete(table);
    if (how === undefined || !this.#views[table].isBehind) return;
    this.#views[table].catchUp(how);
    this.#schedule(this.#world.timeline.now + debounceMs);
  }

  #schedule(at: number): void {
    if (at >= this.#dueAt) return;
    this.#dueAt = at;
    if (!this.#isPassing) this.#arm();
  }

  #arm(): void {
    const generation = this.#generation;
    const { timeline } = this.#world;
    timeline.after(Math.max(0, this.#dueAt - timeline.now), () => {
      if (generation === this.#generation && !this.#isPassing && this.#dueAt <= timeline.now) this.#pass();
    });
  }

  #pass(): void {
    const generation = this.#generation;
    const { timeline } = this.#world;
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#isPassing = true;
    this.#isTroubled = false;
    const cluster = connectModel(this.#world, this.#views, this.#index, (_, effect) => this.#track(generation, effect));
    const context = { cluster, log: this.#log, journal: this.#journal, background: this.#background, startTimeoutMs };
    reconcile(context, new Date(timeline.now)).then((wakeAt) => {
      if (generation !== this.#generation) return;
      this.#isPassing = false;
      const wanted = wakeAt?.getTime() ?? Number.POSITIVE_INFINITY;
      this.#dueAt = Math.min(this.#dueAt, Math.max(Math.min(wanted, timeline.now + idleMs), timeline.now + debounceMs));
      this.#arm();
    }, this.#onUnexpected);
  }

  async #track<T>(generation: number, effect: () => T): Promise<T> {
    this.#openCalls += 1;
    try {
      return await this.#call(generation, effect);
    } finally {
      if (generation === this.#generation) this.#openCalls -= 1;
    }
  }

  async #call<T>(generation: number, effect: () => T): Promise<T> {
    if (generation !== this.#generation) return new Promise(() => {});
    const fault: Fault | undefined = this.faults.take();
    if (this.#world.timeline.now < this.#outageUntil) throw this.#trouble('503: the API server is away');
    switch (fault?.kind) {
      case undefined:
        return this.#callAtPace(generation, effect);
      case 'Refused':
        throw this.#trouble('500: internal error');
      case 'AnswerLost':
        effect();
        throw this.#trouble('the connection was lost');
      case 'CrashBefore':
        this.kill(5);
        return new Promise(() => {});
      case 'CrashAfter':
        effect();
        this.kill(5);
        return new Promise(() => {});
      case 'Slow':
        return this.#callSlowly(generation, fault.before * 1000, fault.after * 1000, effect);
      default:
        return fault satisfies never;
    }
  }

  #callAtPace<T>(generation: number, effect: () => T): T | Promise<T> {
    const paceMs = this.#paces[this.#calls++ % this.#paces.length] ?? 0;
    return paceMs === 0 ? effect() : this.#callSlowly(generation, paceMs / 2, paceMs / 2, effect);
  }

  #callSlowly<T>(generation: number, beforeMs: number, afterMs: number, effect: () => T): Promise<T> {
    const { timeline } = this.#world;
    return new Promise((resolve, reject) => {
      timeline.after(beforeMs, () => {
        let answer: () => void;
        try {
          const result = effect();
          answer = () => resolve(result);
        } catch (error) {
          answer = () => reject(error);
        }
        timeline.after(afterMs, () => {
          if (generation === this.#generation) answer();
        });
      });
    });
  }

  #trouble(message: string): ApiError {
    this.#isTroubled = true;
    return new ApiError(message);
  }

  readonly #log = {
    info: () => {},
    warn: (fields: object) => this.#judge(fields),
    error: (fields: object) => this.#judge(fields),
  };

  /** Errors of the API server are part of the game, any other is a mistake of the scheduler. */
  #judge(fields: object): void {
    if (!('err' in fields)) return;
    this.#isTroubled = true;
    if (!(fields.err instanceof ApiError)) this.#onUnexpected(fields.err);
  }
}
