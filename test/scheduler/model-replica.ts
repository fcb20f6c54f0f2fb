import { Dispatcher, type Next, type Timing } from '../../scheduler/dispatcher.ts';
import { currentFlow } from '../../scheduler/flow.ts';
import { Journals } from '../../scheduler/journal/journals.ts';
import { runKinds } from '../../scheduler/kinds.ts';
import { BackgroundTasks } from '../../scheduler/reconcile/background-tasks.ts';
import { keysToReconcile, reconcile } from '../../scheduler/reconcile/reconcile.ts';
import { connectModel, listAll, type Views } from './model-client.ts';
import { ApiError, type Fault, Faults } from './model-faults.ts';
import type { CatchUp } from './model-view.ts';
import type { World } from './model-world.ts';

/** A pod that doesn't start is given up after so long. */
export const startTimeoutMs = 30_000;

/** As in the dispatcher of the scheduler. */
const debounceMs = 50;

/** The processes of the scheduler in a history. An error that none of them may have is reported as a violation. */
export function createReplicas(
  world: World,
  { replicas, paces }: { readonly replicas: number; readonly paces: readonly (readonly number[])[] },
  report: (violation: string) => void,
): Replica[] {
  const onUnexpected = (error: unknown) =>
    report(`unexpected: ${error instanceof Error ? (error.stack ?? error) : error}`);
  return Array.from({ length: replicas }, (_, index) => new Replica(world, index, paces[index] ?? [], onUnexpected));
}

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
  #journals = new Journals();
  #dispatcher: Dispatcher;
  /** The instants at which its timers are due. */
  #timers = new Set<{ readonly at: number }>();
  /** A process that was killed is of an earlier generation: nothing it does or hears counts any more. */
  #generation = 0;
  #isAlive = false;
  /** The policies that are worked on. */
  #busy = new Set<string>();
  /** The policies that met an error when they were last worked on. */
  readonly #troubled = new Set<string>();
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
    this.#dispatcher = this.#begin();
  }

  get isPassing(): boolean {
    return this.#busy.size > 0;
  }

  /** True if it knows everything, was refused nothing when it last looked, and has nothing to do at once. */
  get isCalm(): boolean {
    const isWorking = this.isPassing || this.#openCalls > 0;
    const soon = this.#world.timeline.now + debounceMs;
    const isIdle = this.#isAlive && !isWorking && [...this.#timers].every(({ at }) => at > soon);
    const isCurrent = Object.values(this.#views).every(({ isBehind }) => !isBehind);
    return isIdle && this.#troubled.size === 0 && !this.#isHeldBack && isCurrent;
  }

  /** True while a step that failed waits to be tried again. */
  get #isHeldBack(): boolean {
    const { now } = this.#world.timeline;
    const isHeld = (policy: string, uid: string) => {
      const { troubles } = this.#journals.of(policy);
      return troubles.of(uid).some((step) => (troubles.heldUntil(uid, step)?.getTime() ?? 0) > now);
    };
    return [...this.#views.configMaps.entries.values()].some(({ key, uid }) => isHeld(key, uid));
  }

  /** The runs as this process knows them. */
  runsOf(policy: string) {
    return this.#journals.of(policy).runs.of(policy);
  }

  start(): void {
    if (this.#isAlive) return;
    this.#generation += 1;
    this.#isAlive = true;
    this.#openCalls = 0;
    this.#late.clear();
    this.#views = listAll(this.#world);
    this.#dispatcher = this.#begin();
    this.#dispatcher.trigger();
  }

  kill(restartSeconds: number): void {
    if (!this.#isAlive) return;
    this.#generation += 1;
    this.#isAlive = false;
    this.#busy = new Set();
    this.#world.timeline.after(restartSeconds * 1000, () => this.start());
  }

  /** A table of the world has changed. */
  hear(table: keyof Views): void {
    if (!this.#isAlive || this.#late.has(table)) return;
    this.#views[table].catchUp('Resumed');
    this.#dispatcher.trigger();
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
    if (this.#isAlive) this.#dispatcher.trigger();
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
    this.#dispatcher.trigger();
  }

  /** All that a process begins with. */
  #begin(): Dispatcher {
    const generation = this.#generation;
    this.#journals = new Journals();
    this.#troubled.clear();
    this.#timers = new Set();
    const busy = new Set<string>();
    this.#busy = busy;
    const cluster = connectModel(this.#world, this.#views, this.#index, (_, effect) => this.#track(generation, effect));
    const background = new BackgroundTasks(this.#log);
    const context = { cluster, log: this.#log, journals: this.#journals, background, kinds: runKinds, startTimeoutMs };
    const keys = () => keysToReconcile(cluster.state());
    const workOn = async (policy: string): Promise<Next> => {
      busy.add(policy);
      this.#troubled.delete(policy);
      const wakeAt = await reconcile(context, policy, cluster.readClock()).catch(this.#onUnexpected);
      busy.delete(policy);
      return wakeAt instanceof Date ? wakeAt.getTime() - cluster.readClock().getTime() : (wakeAt ?? undefined);
    };
    return new Dispatcher({ keys, workOn }, this.#timing());
  }

  #timing(): Timing {
    const { timeline } = this.#world;
    const timers = this.#timers;
    return {
      now: () => timeline.now,
      cpuMs: () => 0,
      after: (delayMs, action) => {
        const timer = { at: timeline.now + delayMs };
        timers.add(timer);
        timeline.after(delayMs, () => {
          // The timers of a process that was killed are others.
          if (timers.delete(timer) && timers === this.#timers) action();
        });
        return () => timers.delete(timer);
      },
    };
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
    this.#troubled.add(currentFlow());
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
    this.#troubled.add(currentFlow());
    if (!(fields.err instanceof ApiError)) this.#onUnexpected(fields.err);
  }
}
