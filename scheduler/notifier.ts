import { doublingPauseMs } from './journal/doubling-pause.ts';
import type { Log } from './log.ts';
import type { Message, Notification } from './notifications/message.ts';
import { type Finding, newsOf, type Told, toldAfter } from './notifications/told.ts';

/** The wait for further news before a message: many policies often have the same cause at the same time. */
const groupingMs = 10_000;
/** The shortest time between two messages. */
const restMs = 60_000;
const pauses = { firstMs: 5_000, maxMs: 600_000 };
/** The longest pause that a receiver can ask for. */
const maxRetryAfterMs = 3_600_000;
/** The maximum number of news that wait. */
const maxPending = 1_000;

/** The result of sending a message. */
export type Delivery =
  | { readonly kind: 'Delivered' }
  /** `words` never have the address. `retryAfterMs`: the pause that the receiver asks for. */
  | { readonly kind: 'Failed'; readonly words: string; readonly retryAfterMs?: number | undefined };

/** The port to the receiver of messages. `send` does not reject, and ends within a time limit. */
export interface Receiver {
  send(message: Message): Promise<Delivery>;
}

/** The parts of a scheduler that the notifier uses. */
export interface NotifierPorts {
  readonly receiver: Receiver;
  readonly place: Pick<Message, 'cluster' | 'namespace'>;
  /** Only the leader sends. */
  readonly isLeader: () => boolean;
  /** Called when people were told of something, so that the statuses get it. */
  readonly onDelivered: () => void;
  readonly count: (result: 'delivered' | 'failed' | 'dropped', number: number) => void;
  readonly log: Log;
  readonly readClock: () => Date;
  /** Calls back after some milliseconds. Returns a function that cancels it. */
  readonly after: (delayMs: number, action: () => void) => () => void;
}

/** A policy, and the object that had this name when it was seen. */
export interface NotedPolicy {
  readonly name: string;
  readonly uid: string;
}

interface Entry {
  readonly uid: string;
  readonly news: readonly Finding[];
}

/**
 * Tells people of the news of policies, beside the passes. The news that wait are replaced at each pass, so that a message has
 * the states of the moment: a state that is over before it could be told is not told. The statuses of the policies keep what
 * people were told, so that another leader does not tell it again.
 */
export class Notifier {
  readonly #ports: NotifierPorts;
  /** By the name of the policy; the oldest first. */
  readonly #pending = new Map<string, Entry>();
  /** The news that were delivered, and that the status of their policy does not have yet. */
  readonly #delivered = new Map<string, Entry>();
  #callOff: (() => void) | undefined;
  #isSending = false;
  #isStopped = false;
  #failures = 0;
  /** The last error, which is logged once. */
  #words: string | undefined;

  constructor(ports: NotifierPorts) {
    this.#ports = ports;
  }

  /** The number of news that wait. */
  get pending(): number {
    return [...this.#pending.values()].reduce((sum, { news }) => sum + news.length, 0);
  }

  /** The news about a policy that its status does not have yet. */
  deliveredOf({ name, uid }: NotedPolicy): readonly Finding[] {
    const entry = this.#delivered.get(name);
    return entry?.uid === uid ? entry.news : [];
  }

  /** Stores the current state of a policy. `told` is what its status has. */
  observe({ name, uid }: NotedPolicy, told: Told, findings: readonly Finding[]): void {
    const delivered = this.deliveredOf({ name, uid }).filter((finding) => !isIn(told, finding));
    if (delivered.length > 0) this.#delivered.set(name, { uid, news: delivered });
    else this.#delivered.delete(name);
    const news = newsOf(toldAfter(told, delivered), findings);
    if (news.length === 0) this.#pending.delete(name);
    else this.#pending.set(name, { uid, news });
    this.#dropOldest();
    this.#plan();
  }

  /** Forgets a policy that is deleted. */
  forget(name: string): void {
    this.#pending.delete(name);
    this.#delivered.delete(name);
  }

  /** Sends nothing more. Does not wait for a message in progress. */
  stop(): void {
    this.#isStopped = true;
    this.#callOff?.();
  }

  #dropOldest(): void {
    for (const [name, { news }] of this.#pending) {
      if (this.pending <= maxPending) return;
      this.#pending.delete(name);
      this.#ports.count('dropped', news.length);
    }
  }

  #plan(): void {
    if (this.#isSending || this.#callOff !== undefined || this.#pending.size === 0) return;
    this.#sendAfter(groupingMs);
  }

  #sendAfter(delayMs: number): void {
    if (this.#isStopped) return;
    this.#callOff = this.#ports.after(delayMs, () => {
      this.#callOff = undefined;
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    if (!this.#ports.isLeader()) return this.#forgetAll();
    const sent = new Map(this.#pending);
    const notifications = [...sent].flatMap(([policy, { news }]) =>
      news.map((finding): Notification => ({ policy, ...finding })),
    );
    if (notifications.length === 0) return;
    this.#isSending = true;
    const delivery = await this.#deliver(notifications);
    this.#isSending = false;
    if (delivery.kind === 'Delivered') this.#noteDelivery(sent);
    // The pause also holds if nothing waits now.
    this.#sendAfter(delivery.kind === 'Delivered' ? restMs : this.#noteFailure(delivery));
  }

  async #deliver(notifications: readonly Notification[]): Promise<Delivery> {
    const { receiver, place, readClock } = this.#ports;
    try {
      return await receiver.send({ ...place, sentAt: readClock(), notifications });
    } catch (error) {
      // The message of an unexpected error may have the address.
      return { kind: 'Failed', words: error instanceof Error ? error.name : 'unexpected error' };
    }
  }

  #noteDelivery(sent: ReadonlyMap<string, Entry>): void {
    for (const [name, { uid, news }] of sent) {
      const before = this.deliveredOf({ name, uid }).filter(
        ({ subject }) => !news.some((one) => one.subject === subject),
      );
      this.#delivered.set(name, { uid, news: [...before, ...news] });
      this.#settle(name, { uid, news });
      this.#ports.count('delivered', news.length);
    }
    this.#failures = 0;
    this.#words = undefined;
    this.#ports.onDelivered();
  }

  /** Leaves only the news that have come while the message was sent. */
  #settle(name: string, { uid, news }: Entry): void {
    const entry = this.#pending.get(name);
    if (entry === undefined || entry.uid !== uid) return;
    const left = entry.news.filter((finding) => !news.some((told) => isSame(told, finding)));
    if (left.length === 0) this.#pending.delete(name);
    else this.#pending.set(name, { uid, news: left });
  }

  /** Returns the pause until the next try. */
  #noteFailure({ words, retryAfterMs = 0 }: Extract<Delivery, { kind: 'Failed' }>): number {
    this.#failures += 1;
    this.#ports.count('failed', 1);
    if (words !== this.#words) this.#ports.log.warn({}, `could not send a notification yet, trying again: ${words}`);
    this.#words = words;
    return Math.max(doublingPauseMs(this.#failures, pauses), Math.min(retryAfterMs, maxRetryAfterMs));
  }

  /** The next leader finds the news in the statuses and records. */
  #forgetAll(): void {
    this.#pending.clear();
    this.#delivered.clear();
  }
}

function isIn(told: Told, finding: Finding): boolean {
  return told[finding.subject] === (finding.kind === 'Bad' ? finding.state : undefined);
}

function isSame(one: Finding, other: Finding): boolean {
  if (one.subject !== other.subject || one.kind !== other.kind) return false;
  return one.kind === 'Well' || other.kind === 'Well' || one.state === other.state;
}
