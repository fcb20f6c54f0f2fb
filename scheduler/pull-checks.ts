import pTimeout from 'p-timeout';
import { messageOf } from '../contract/errors.ts';
import type { PullVerdicts } from '../contract/pull-verdicts.ts';
import type { Log } from './log.ts';
import type { RunPod } from './objects.ts';
import type { ReadCleanerLog } from './page-logs.ts';

/** The answer of a registry about an image. */
export type PullAnswer =
  | { readonly kind: 'Present' }
  | { readonly kind: 'Absent' }
  /** It did not answer, or its answer does not say it. */
  | { readonly kind: 'Unknown'; readonly why: string };

/** The images that a cleaner has listed. */
export interface ListedImages {
  /** The IDs of all images of the node. */
  readonly ids: ReadonlySet<string>;
  /** The names with a digest of those that may go, by ID. */
  readonly candidates: ReadonlyMap<string, readonly string[]>;
}

/** The port to registries. */
export interface Registries {
  /** Asks if an image (`repository@digest`) can be pulled. Never rejects. */
  ask(name: string): Promise<PullAnswer>;
  /** Gives up all questions, so that the process can end. */
  stop(): Promise<void>;
}

export interface PullCheckPorts {
  readonly registries: Registries;
  readonly readLog: ReadCleanerLog;
  /** The images that are listed in the log of a cleaner. */
  readonly imagesIn: (log: string) => ListedImages;
  /** Called with the images that a pod has listed, before registries are asked about them. */
  readonly onListed?: ((pod: RunPod, images: ListedImages) => void) | undefined;
  /** Called when the answers about a pod are complete. */
  readonly onAnswered: () => void;
  readonly log: Log;
  readonly nowMs: () => number;
}

/** Answers are not used for longer: the image may have been deleted since. */
const maxAgeMs = 3_600_000;
/** The part of the deadline of a run in which registries may be asked about a node, and the most. Then the rest is unknown. */
const deadlineShare = 1 / 3;
const maxAskMs = 600_000;
/** The maximum number of logs that are read at the same time: each has up to some MB. */
const maxLogs = 4;
const logTimeoutMs = 30_000;

interface Check {
  readonly begunAtMs: number;
  candidates?: ListedImages['candidates'];
  verdicts?: PullVerdicts;
}

/**
 * Asks registries about the images that cleaners have listed in their logs. The answers are only in this process. After a
 * restart the logs are read again. An error only makes images unknown, and the cleaner keeps these.
 */
export class PullChecks {
  readonly #ports: PullCheckPorts;
  /** By the name of the pod with the list. */
  readonly #checks = new Map<string, Check>();
  readonly #waiting: (() => void)[] = [];
  #reading = 0;

  constructor(ports: PullCheckPorts) {
    this.#ports = ports;
  }

  /** Begins to ask about the images that a pod has listed, unless that is under way. */
  begin(pod: RunPod, activeDeadlineSeconds: number): void {
    this.#forgetOld();
    if (this.#checks.has(pod.name)) return;
    const check: Check = { begunAtMs: this.#ports.nowMs() };
    this.#checks.set(pod.name, check);
    const limitMs = Math.min(maxAskMs, activeDeadlineSeconds * 1_000 * deadlineShare);
    void this.#answer(pod, check, limitMs).then((verdicts) => {
      check.verdicts = verdicts;
      this.#ports.onAnswered();
    });
  }

  /** The answers about the images that a pod has listed; undefined as long as they are not complete, or too old. */
  verdictsOf({ name }: Pick<RunPod, 'name'>): PullVerdicts | undefined {
    const check = this.#checks.get(name);
    return check === undefined || this.#isOld(check) ? undefined : check.verdicts;
  }

  /** The images that a pod has listed, and that may go; none as long as its log is not read. */
  candidatesOf({ name }: Pick<RunPod, 'name'>): ListedImages['candidates'] {
    return this.#checks.get(name)?.candidates ?? new Map();
  }

  /** The time since the list of a pod was first seen. */
  ageMsOf({ name }: Pick<RunPod, 'name'>): number {
    return this.#ports.nowMs() - (this.#checks.get(name)?.begunAtMs ?? Number.NEGATIVE_INFINITY);
  }

  /** Gives up all questions. What has no answer is unknown. */
  stop(): Promise<void> {
    return this.#ports.registries.stop();
  }

  #isOld({ begunAtMs }: Check): boolean {
    return this.#ports.nowMs() - begunAtMs >= maxAgeMs;
  }

  #forgetOld(): void {
    for (const [pod, check] of this.#checks) if (this.#isOld(check)) this.#checks.delete(pod);
  }

  async #answer(pod: RunPod, check: Check, limitMs: number): Promise<PullVerdicts> {
    try {
      const text = await this.#readLog(pod.name);
      if (text === undefined) return { ...nothing, note: `the log of pod ${pod.name}, with the images, is gone` };
      const images = this.#ports.imagesIn(text);
      check.candidates = images.candidates;
      this.#ports.onListed?.(pod, images);
      return await this.#ask([...new Set([...images.candidates.values()].flat())], limitMs);
    } catch (error) {
      const note = `the log of pod ${pod.name}, with the images, can't be read: ${messageOf(error)}`;
      this.#ports.log.warn({ pod: pod.name, run: pod.run, node: pod.node, err: error }, note);
      return { ...nothing, note };
    }
  }

  /** Logs are read some at a time, because of the memory and of the API server. */
  async #readLog(pod: string): Promise<string | undefined> {
    if (this.#reading >= maxLogs) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#reading += 1;
    try {
      const milliseconds = logTimeoutMs;
      return await pTimeout(this.#ports.readLog(pod), {
        milliseconds,
        message: `no answer in ${logTimeoutMs / 1000} s`,
      });
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#reading -= 1;
      else next();
    }
  }

  /** Asks about all names. What is not answered in time is unknown. */
  async #ask(names: readonly string[], limitMs: number): Promise<PullVerdicts> {
    const answers = new Map<string, PullAnswer>();
    const asked = names.map(async (name) => answers.set(name, await this.#ports.registries.ask(name)));
    await pTimeout(Promise.all(asked), { milliseconds: limitMs, fallback: () => undefined });
    return verdictsFrom(names, answers);
  }
}

const nothing: PullVerdicts = { pullable: [], absent: [], unanswered: {} };

function verdictsFrom(names: readonly string[], answers: ReadonlyMap<string, PullAnswer>): PullVerdicts {
  const of = (kind: PullAnswer['kind']) => names.filter((name) => answers.get(name)?.kind === kind);
  const unanswered = names.flatMap((name): [string, string][] => {
    const answer = answers.get(name) ?? { kind: 'Unknown', why: 'no answer in time' };
    return answer.kind === 'Unknown' ? [[name.slice(0, name.indexOf('/')), answer.why]] : [];
  });
  return { pullable: of('Present'), absent: of('Absent'), unanswered: Object.fromEntries(unanswered) };
}
