import pTimeout from 'p-timeout';
import { messageOf } from '../contract/errors.ts';
import type { RunPod } from './objects.ts';
import type { CleanerLog } from './page/cleaner-log.ts';

/** Reads the log of the cleaner of a pod; undefined if it is gone. Rejects if it can't be read. */
export type ReadCleanerLog = (pod: string) => Promise<string | undefined>;

/** Each log has up to 1 MB. */
const maxKept = 5;
const timeoutMs = 5_000;
/** A log that could not be read is not asked for again for this time, however many people look at the page. */
const pauseMs = 15_000;

/** The logs that pages show. That of a cleaner that has ended does not change, so the last ones are kept. */
export class PageLogs {
  readonly #readLog: ReadCleanerLog;
  readonly #kept = new Map<string, { readonly until: number; readonly log: Promise<CleanerLog> }>();

  constructor(readLog: ReadCleanerLog) {
    this.#readLog = readLog;
  }

  /** The log of a cleaner that has ended, or the reason why it can't be read. Never rejects. */
  async read(pod: RunPod): Promise<CleanerLog> {
    const known = this.#kept.get(pod.name);
    if (known !== undefined && known.until > performance.now()) return known.log;
    const log = this.#ask(pod);
    this.#keep(pod.name, log, performance.now() + pauseMs);
    if ((await log).text !== undefined) this.#keep(pod.name, log, Number.POSITIVE_INFINITY);
    return log;
  }

  async #ask({ name, run }: RunPod): Promise<CleanerLog> {
    try {
      const milliseconds = timeoutMs;
      const message = `no answer within ${timeoutMs / 1000} s`;
      return { pod: name, run, text: await pTimeout(this.#readLog(name), { milliseconds, message }) };
    } catch (error) {
      return { pod: name, run, text: undefined, problem: messageOf(error) };
    }
  }

  #keep(pod: string, log: Promise<CleanerLog>, until: number): void {
    this.#kept.delete(pod);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size >= maxKept && oldest !== undefined) this.#kept.delete(oldest);
    this.#kept.set(pod, { until, log });
  }
}
