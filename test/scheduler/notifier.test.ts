import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Message, Notification } from '../../scheduler/notifications/message.ts';
import { type Finding, type Told, toldAfter } from '../../scheduler/notifications/told.ts';
import { type Delivery, Notifier } from '../../scheduler/notifier.ts';
import { start } from '../helpers/builders.ts';

const failed: Finding = { subject: 'Run', kind: 'Bad', state: 'Failed', text: 'run x failed' };
const well: Finding = { subject: 'Run', kind: 'Well', text: 'run y succeeded' };
const paused: Finding = { subject: 'Pause', kind: 'Bad', state: 'RunPaused', text: 'run x is paused' };

/** A notifier with simulated time, and a receiver that answers as it is told. */
class Desk {
  readonly messages: Message[];
  readonly logged: string[] = [];
  readonly counts = { delivered: 0, failed: 0, dropped: 0 };
  answer: (message: Message) => Promise<Delivery> = async () => ({ kind: 'Delivered' });
  isLeader = true;
  /** The parts of the statuses, by policy. */
  readonly statuses: Map<string, Told>;
  notifier = this.#create();
  #nowMs = 0;
  #timers: { readonly at: number; readonly action: () => void }[] = [];

  /** Replicas have the same statuses and the same receiver. */
  constructor({ messages, statuses }: Pick<Desk, 'messages' | 'statuses'> = { messages: [], statuses: new Map() }) {
    this.messages = messages;
    this.statuses = statuses;
  }

  /** Another process takes over: it knows only the statuses. */
  restart(): void {
    this.notifier.stop();
    this.#timers = [];
    this.notifier = this.#create();
  }

  /** Makes a pass over a policy: it writes the status, and shows the notifier the state. */
  pass(name: string, findings: readonly Finding[]): void {
    const policy = { name, uid: `uid-of-${name}` };
    const told = toldAfter(this.statuses.get(name) ?? {}, this.notifier.deliveredOf(policy));
    this.statuses.set(name, told);
    this.notifier.observe(policy, told, findings);
  }

  async wait(seconds: number): Promise<void> {
    const until = this.#nowMs + seconds * 1_000;
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve));
      const [next] = this.#timers.toSorted((one, other) => one.at - other.at);
      if (next === undefined || next.at > until) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = next.at;
      next.action();
    }
    this.#nowMs = until;
  }

  /** All that was delivered, as policy, subject and state. */
  told(): readonly string[] {
    return this.messages.flatMap(({ notifications }) => notifications.map(wordsOf));
  }

  #create(): Notifier {
    return new Notifier({
      receiver: {
        send: async (message) => {
          const delivery = await this.answer(message);
          if (delivery.kind === 'Delivered') this.messages.push(message);
          return delivery;
        },
      },
      place: { namespace: 'nodesweep' },
      isLeader: () => this.isLeader,
      onDelivered: () => {},
      count: (result, number) => {
        this.counts[result] += number;
      },
      log: { info: () => {}, warn: (_, message) => this.logged.push(message), error: () => {} },
      readClock: () => start,
      after: (delayMs, action) => {
        const timer = { at: this.#nowMs + delayMs, action };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((other) => other !== timer);
        };
      },
    });
  }
}

function wordsOf(notification: Notification): string {
  const { policy, subject } = notification;
  return `${policy} ${subject} ${notification.kind === 'Bad' ? notification.state : 'Well'}`;
}

describe('the notifier (H62)', () => {
  it('tells a bad state once, and once that it is over', async () => {
    const desk = new Desk();
    for (let minute = 0; minute < 10; minute += 1) {
      desk.pass('nightly', [failed]);
      await desk.wait(60);
    }
    for (let minute = 0; minute < 10; minute += 1) {
      desk.pass('nightly', [well]);
      await desk.wait(60);
    }
    expect(desk.told()).toEqual(['nightly Run Failed', 'nightly Run Well']);
    expect(desk.statuses.get('nightly')).toEqual({});
  });

  it('groups a storm: the news of 300 policies within seconds are one message', async () => {
    const desk = new Desk();
    for (let index = 0; index < 300; index += 1) {
      desk.pass(`policy-${index}`, [failed, paused]);
      await desk.wait(0.02);
    }
    await desk.wait(60);
    expect(desk.messages.map(({ notifications }) => notifications.length)).toEqual([600]);
  });

  it('rests between messages, and gathers the news meanwhile', async () => {
    const desk = new Desk();
    for (let index = 0; index < 50; index += 1) {
      desk.pass(`policy-${index}`, [failed]);
      await desk.wait(3);
    }
    await desk.wait(100);
    expect(desk.told()).toHaveLength(50);
    expect(desk.messages.length).toBeLessThanOrEqual(5);
  });

  it('tries again with increasing pauses, logs an error once, and then tells the states of the moment', async () => {
    const desk = new Desk();
    let tries = 0;
    desk.answer = async () => {
      tries += 1;
      return { kind: 'Failed', words: 'the receiver answered with 500' };
    };
    desk.pass('nightly', [failed]);
    desk.pass('short', [failed]);
    await desk.wait(3_600);
    expect(tries).toBeGreaterThan(5);
    expect(tries).toBeLessThan(20);
    expect(desk.logged).toEqual(['could not send a notification yet, trying again: the receiver answered with 500']);
    desk.pass('short', [well]);
    desk.answer = async () => ({ kind: 'Delivered' });
    await desk.wait(600);
    expect(desk.told()).toEqual(['nightly Run Failed']);
    expect(desk.notifier.pending).toBe(0);
  });

  it('waits as long as the receiver asks for, but not longer than an hour', async () => {
    const desk = new Desk();
    const tries: number[] = [];
    let waited = 0;
    desk.answer = async () => {
      tries.push(waited);
      return { kind: 'Failed', words: '429', retryAfterMs: tries.length === 1 ? 900_000 : 1e12 };
    };
    desk.pass('nightly', [failed]);
    for (waited = 0; waited < 9_000; waited += 10) await desk.wait(10);
    expect(tries.map((seconds) => Math.round(seconds / 100) * 100)).toEqual([0, 900, 4_500, 8_100]);
  });

  it('tells nothing twice after a restart, if the status has it', async () => {
    const desk = new Desk();
    desk.pass('nightly', [failed]);
    await desk.wait(20);
    desk.pass('nightly', [failed]);
    desk.restart();
    desk.pass('nightly', [failed]);
    await desk.wait(600);
    desk.pass('nightly', [well]);
    await desk.wait(600);
    expect(desk.told()).toEqual(['nightly Run Failed', 'nightly Run Well']);
  });

  it('tells what the process before it could not send', async () => {
    const desk = new Desk();
    desk.pass('nightly', [failed]);
    desk.restart();
    desk.pass('nightly', [failed]);
    await desk.wait(20);
    expect(desk.told()).toEqual(['nightly Run Failed']);
  });

  it('is silent if it is not the leader, and about a policy that is deleted', async () => {
    const desk = new Desk();
    desk.pass('nightly', [failed]);
    desk.isLeader = false;
    await desk.wait(60);
    desk.isLeader = true;
    desk.pass('gone', [failed]);
    desk.notifier.forget('gone');
    await desk.wait(60);
    expect(desk.told()).toEqual([]);
  });

  it('tells a state that changes while its message is sent', async () => {
    const desk = new Desk();
    const { promise, resolve } = Promise.withResolvers<Delivery>();
    desk.answer = () => promise;
    desk.pass('nightly', [failed]);
    await desk.wait(20);
    desk.pass('nightly', [well]);
    desk.answer = async () => ({ kind: 'Delivered' });
    resolve({ kind: 'Delivered' });
    await desk.wait(1);
    desk.pass('nightly', [well]);
    await desk.wait(100);
    expect(desk.told()).toEqual(['nightly Run Failed', 'nightly Run Well']);
  });

  it('survives a receiver that throws, without its words', async () => {
    const desk = new Desk();
    desk.answer = () => Promise.reject(new TypeError('https://hooks.test/secret'));
    desk.pass('nightly', [failed]);
    await desk.wait(20);
    expect(desk.logged).toEqual(['could not send a notification yet, trying again: TypeError']);
  });

  it('drops the oldest news above its limit, counts them, and tells them when a later pass finds them again', async () => {
    const desk = new Desk();
    desk.answer = async () => ({ kind: 'Failed', words: 'down' });
    for (let index = 0; index < 1_200; index += 1) desk.pass(`policy-${index}`, [failed]);
    expect(desk.notifier.pending).toBe(1_000);
    expect(desk.counts.dropped).toBe(200);
    desk.answer = async () => ({ kind: 'Delivered' });
    await desk.wait(60);
    for (let index = 0; index < 1_200; index += 1) desk.pass(`policy-${index}`, [failed]);
    await desk.wait(120);
    expect(new Set(desk.told()).size).toBe(1_200);
    expect(desk.told()).toHaveLength(1_200);
  });

  it('tells nothing twice, and every bad state has its well-again, whatever happens (H62)', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('pass' as const), policy: fc.constantFrom('a', 'b'), isBad: fc.boolean() }),
      fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 100 }) }),
      fc.record({ do: fc.constant('break' as const), isBroken: fc.boolean() }),
      fc.record({ do: fc.constant('restart' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const desk = new Desk();
        const last = new Map<string, boolean>();
        const passAll = () => {
          for (const [policy, isBad] of last) desk.pass(policy, [isBad ? failed : well]);
        };
        for (const one of steps) {
          if (one.do === 'pass') last.set(one.policy, one.isBad);
          if (one.do === 'break')
            desk.answer = async () => (one.isBroken ? { kind: 'Failed', words: 'down' } : { kind: 'Delivered' });
          if (one.do === 'wait') await desk.wait(one.seconds);
          // A pass follows each delivery, so the status has it before the process ends.
          passAll();
          if (one.do === 'restart') desk.restart();
        }
        desk.answer = async () => ({ kind: 'Delivered' });
        for (const policy of last.keys()) last.set(policy, false);
        passAll();
        await desk.wait(3_600);
        for (const policy of ['a', 'b']) {
          const words = desk.told().filter((word) => word.startsWith(`${policy} `));
          const expected = words.map((_, index) => `${policy} Run ${index % 2 === 0 ? 'Failed' : 'Well'}`);
          expect(words).toEqual(expected);
          expect(words.length % 2).toBe(0);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('tells nothing twice, also if the lead changes between replicas (H62)', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('pass' as const), isBad: fc.boolean() }),
      fc.record({ do: fc.constant('wait' as const), seconds: fc.integer({ min: 1, max: 100 }) }),
      fc.record({ do: fc.constant('lead' as const), replica: fc.constantFrom(0, 1) }),
      // A replica that lost the lead may notice it late.
      fc.record({ do: fc.constant('notice' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const first = new Desk();
        const replicas = [first, new Desk(first)];
        let isBad = false;
        const lead = (leader: number) => {
          for (const [index, replica] of replicas.entries()) replica.isLeader = index === leader;
        };
        const passAll = () => {
          for (const replica of replicas) if (replica.isLeader) replica.pass('nightly', [isBad ? failed : well]);
        };
        const wait = async (seconds: number) => {
          for (const replica of replicas) await replica.wait(seconds);
          // A pass follows each delivery.
          passAll();
        };
        lead(0);
        for (const one of steps) {
          if (one.do === 'pass') isBad = one.isBad;
          if (one.do === 'lead') lead(one.replica);
          if (one.do === 'notice')
            for (const replica of replicas) if (!replica.isLeader) replica.notifier.forget('nightly');
          if (one.do === 'wait') await wait(one.seconds);
          passAll();
        }
        isBad = false;
        passAll();
        await wait(3_600);
        const words = first.told();
        expect(words).toEqual(words.map((_, index) => `nightly Run ${index % 2 === 0 ? 'Failed' : 'Well'}`));
        expect(words.length % 2).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
