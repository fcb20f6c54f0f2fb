import type { PullAnswer, Registries } from '../pull-checks.ts';
import { Pace, type Timing } from './pace.ts';
import type { Reply } from './reply.ts';

/** Asks the registry of a repository for a manifest once. Does not reject. */
export type AskRegistry = (repository: string, digest: string) => Promise<Reply>;

/** The times in milliseconds for which answers are fresh. An image that is absent may be pushed again. */
const freshMs = { Present: 3_600_000, Absent: 600_000, Unknown: 60_000 } as const;
/** Old answers are dropped when there are more. */
const maxKept = 20_000;

interface Known {
  readonly answer: Promise<PullAnswer>;
  /** Infinite as long as there is no answer. */
  freshUntilMs: number;
}

/** Asks registries, each for each image once as long as the answer is fresh, and not faster than it allows. */
export class PolitelyAskedRegistries implements Pick<Registries, 'ask'> {
  readonly #ask: AskRegistry;
  readonly #timing: Timing;
  readonly #known = new Map<string, Known>();
  readonly #paces = new Map<string, Pace>();

  constructor(ask: AskRegistry, timing: Timing) {
    this.#ask = ask;
    this.#timing = timing;
  }

  ask(name: string): Promise<PullAnswer> {
    const known = this.#known.get(name);
    if (known !== undefined && known.freshUntilMs > this.#timing.nowMs()) return known.answer;
    this.#dropOld();
    const entry: Known = { answer: this.#askNow(name), freshUntilMs: Number.POSITIVE_INFINITY };
    this.#known.set(name, entry);
    void entry.answer.then(({ kind }) => {
      entry.freshUntilMs = this.#timing.nowMs() + freshMs[kind];
    });
    return entry.answer;
  }

  #askNow(name: string): Promise<PullAnswer> {
    const at = name.indexOf('@');
    const repository = name.slice(0, at);
    const host = repository.slice(0, repository.indexOf('/'));
    const pace = this.#paces.get(host) ?? new Pace(this.#timing);
    this.#paces.set(host, pace);
    return pace.run(() => this.#ask(repository, name.slice(at + 1)));
  }

  #dropOld(): void {
    if (this.#known.size < maxKept) return;
    const now = this.#timing.nowMs();
    for (const [name, { freshUntilMs }] of this.#known) if (freshUntilMs <= now) this.#known.delete(name);
  }
}
