import type { CleanupDocument } from '../../scheduler/cleanup/policy.ts';
import type { PolicyObject } from '../../scheduler/objects.ts';
import { startDelayMs } from '../../scheduler/policy/due.ts';
import type { Run } from '../../scheduler/run/run.ts';

/** A policy as it was from one instant on. */
interface Version {
  readonly from: number;
  /** Undefined where it is not valid. */
  readonly document: CleanupDocument | undefined;
  /** All that decides which instants are scheduled times. */
  readonly key: string;
  readonly request: string | undefined;
  /** When a scheduler that knew everything had seen it for the first time. */
  observedAt: number | undefined;
}

interface Past {
  readonly name: string;
  readonly createdAt: number;
  readonly versions: Version[];
}

/** After a run began, disk pressure starts none for so long. */
export const pressureCoolDownMs = 600_000;

/** All that must start, or may, worked out anew: by arithmetic over every version of every policy, not by the scheduler's code. */
export class Oracle {
  /** By the policy's uid. */
  readonly #pasts = new Map<string, Past>();
  readonly #live = new Map<string, string>();
  /** The number of times that each scheduled time or request of a policy was started. */
  readonly #starts = new Map<string, number>();
  readonly #lastScheduledTimes = new Map<string, number>();
  readonly #lastStarts = new Map<string, number>();

  applied(object: PolicyObject, document: CleanupDocument | undefined, now: number): void {
    const past = this.#pasts.get(object.uid) ?? {
      name: object.name,
      createdAt: object.createdAt.getTime(),
      versions: [],
    };
    this.#pasts.set(object.uid, past);
    this.#live.set(object.name, object.uid);
    const before = past.versions.at(-1);
    const request = object.annotations['nodesweep.io/run-at'];
    past.versions.push({
      from: now,
      document,
      key: document === undefined ? (before?.key ?? 'none yet') : `${document.schedule} ${document.suspend ?? false}`,
      request,
      observedAt: undefined,
    });
  }

  deleted(name: string): void {
    this.#live.delete(name);
  }

  /** A scheduler that knows everything has looked at all policies. */
  observed(now: number): void {
    for (const uid of this.#live.values()) {
      const version = this.#pasts.get(uid)?.versions.at(-1);
      if (version !== undefined) version.observedAt ??= now;
    }
  }

  /** The policies that are there, each as it is now. */
  policies(): { name: string; uid: string; document: CleanupDocument | undefined }[] {
    return [...this.#live].map(([name, uid]) => ({
      name,
      uid,
      document: this.#pasts.get(uid)?.versions.at(-1)?.document,
    }));
  }

  lastScheduledTime(uid: string): Date | undefined {
    const scheduledTime = this.#lastScheduledTimes.get(uid);
    return scheduledTime === undefined ? undefined : new Date(scheduledTime);
  }

  /** When the last run of the policy began. */
  lastStart(uid: string): number {
    return this.#lastStarts.get(uid) ?? Number.NEGATIVE_INFINITY;
  }

  started({ trigger, startedAt }: Run, uid: string): void {
    const key = `${uid} ${keyOf(trigger)}`;
    this.#lastStarts.set(uid, Math.max(this.lastStart(uid), startedAt.getTime()));
    this.#starts.set(key, (this.#starts.get(key) ?? 0) + 1);
    if (trigger.type === 'Schedule')
      this.#lastScheduledTimes.set(uid, Math.max(trigger.slot.getTime(), this.#lastScheduledTimes.get(uid) ?? 0));
  }

  /** All that is wrong with starting the run now, by a scheduler that knows what was so `staleMs` ago. */
  objection(run: Run, uid: string, now: number, staleMs: number): string | undefined {
    const past = this.#pasts.get(uid);
    if (past === undefined) return 'its policy was never there';
    const { trigger } = run;
    const started = this.#starts.get(`${uid} ${keyOf(trigger)}`) ?? 0;
    const known = past.versions.filter((_, index) => (past.versions[index + 1]?.from ?? now) >= now - staleMs);
    if (trigger.type === 'Request') {
      const asked = past.versions.filter(
        ({ request }, index) => request === trigger.request && past.versions[index - 1]?.request !== request,
      ).length;
      if (started >= asked) return `request "${trigger.request}" was made ${asked} times, and started ${started} times`;
      return undefined;
    }
    if (started > 0) return 'its scheduled time was started before';
    if (trigger.type === 'Pressure') {
      if (started > 0) return 'it was started before';
      if (!known.some(({ document }) => document?.disk?.onPressure && !document.suspend)) return 'that is not wanted';
      const lastStart = this.lastStart(uid);
      const isTooSoon = lastStart < now - staleMs && run.startedAt.getTime() < lastStart + pressureCoolDownMs;
      return isTooSoon ? 'that is within the cool-down' : undefined;
    }
    if (trigger.type === 'Nodes') return 'a cleanup policy has no new nodes';
    if (trigger.type === 'Purge') return 'a cleanup policy leaves nothing to purge';
    const scheduledTime = trigger.slot.getTime();
    const objections = known.map((version) => scheduleObjection(past, version, scheduledTime, run.startedAt.getTime()));
    return objections.includes(undefined) ? undefined : objections.at(-1);
  }

  /** All that a scheduler that knows everything must have started by now, unless a run of the policy is in the way. */
  mustHaveStarted(uid: string, now: number): string | undefined {
    const past = this.#pasts.get(uid);
    const version = past?.versions.at(-1);
    if (past === undefined || version?.document === undefined || version.observedAt === undefined) return undefined;
    const { request, document } = version;
    if (request !== undefined && !this.#starts.has(`${uid} ${keyOf({ type: 'Request', request })}`))
      return `request "${request}"`;
    const scheduledTime = latestScheduledTime(past.name, document, now);
    const since = sinceOf(past, version, 'Observed');
    const deadlineMs = (document.startingDeadlineSeconds ?? Number.POSITIVE_INFINITY) * 1000;
    if (document.suspend || since === undefined || scheduledTime <= since || now - scheduledTime >= deadlineMs)
      return undefined;
    const trigger = { type: 'Schedule', slot: new Date(scheduledTime) } as const;
    return this.#starts.has(`${uid} ${keyOf(trigger)}`) ? undefined : `scheduled time ${trigger.slot.toISOString()}`;
  }

  /** True if something of the policy may be due, so that a run that only waits makes way for it. */
  isDue(uid: string, now: number): boolean {
    const version = this.#pasts.get(uid)?.versions.at(-1);
    if (version?.document?.disk?.onPressure) return true;
    return version?.observedAt === undefined || this.mustHaveStarted(uid, now) !== undefined;
  }

  /** The next instant at which something must start. */
  nextStart(now: number): number {
    const starts = this.policies().flatMap(({ name, document }) =>
      document === undefined
        ? []
        : [latestScheduledTime(name, document, now) + periodOf(document) + delayOf(name, document)],
    );
    return Math.min(...starts);
  }
}

/** The scheduled time that is started next, as a status should tell it. */
export function nextScheduledTimeOf(name: string, document: CleanupDocument, now: number): Date | undefined {
  return document.suspend ? undefined : new Date(latestScheduledTime(name, document, now) + periodOf(document));
}

function scheduleObjection(past: Past, version: Version, scheduledTime: number, now: number): string | undefined {
  const { document } = version;
  if (document === undefined) return 'the policy is not valid (C3)';
  if (document.suspend) return 'the policy is suspended (C12)';
  if (scheduledTime % periodOf(document) !== 0) return 'that is no scheduled time (C1)';
  const latest = latestScheduledTime(past.name, document, now);
  if (scheduledTime > latest) return 'the scheduled time is not yet there (C1)';
  if (scheduledTime < latest) return 'a later scheduled time is due (C4)';
  if (scheduledTime <= (sinceOf(past, version, 'Applied') ?? past.createdAt))
    return 'the scheduled time is older than the policy is so (C9, C12)';
  const ageSeconds = (now - scheduledTime) / 1000;
  if (ageSeconds > (document.startingDeadlineSeconds ?? ageSeconds))
    return 'the scheduled time is past its deadline (C5)';
  return undefined;
}

/** Since when the policy has had the schedule it has in a version: at the latest as it was applied, or as it was seen. */
function sinceOf({ versions, createdAt }: Past, version: Version, as: 'Applied' | 'Observed'): number | undefined {
  let index = versions.indexOf(version);
  const isContinued = ({ key, observedAt }: Version) =>
    key === version.key || key === 'none yet' || (as === 'Applied' && observedAt === undefined);
  while (index > 0 && isContinued(versions[index - 1] ?? version)) index -= 1;
  if (index === 0) return createdAt;
  const first = versions[index];
  return as === 'Applied' ? first?.from : first?.observedAt;
}

/** The schedules of the model fire every so many minutes, in UTC. */
function periodOf({ schedule }: CleanupDocument): number {
  return Number.parseInt(schedule.slice(2), 10) * 60_000;
}

/** The latest scheduled time whose time to start has come. */
function latestScheduledTime(name: string, document: CleanupDocument, now: number): number {
  return Math.floor((now - delayOf(name, document)) / periodOf(document)) * periodOf(document);
}

function delayOf(name: string, { jitterSeconds = 0 }: CleanupDocument): number {
  return startDelayMs(name, { jitterSeconds });
}

function keyOf(trigger: Run['trigger']): string {
  switch (trigger.type) {
    case 'Schedule':
      return trigger.slot.toISOString();
    case 'Request':
      return `request ${trigger.request}`;
    case 'Pressure':
      return `pressure after ${trigger.after.toISOString()}`;
    case 'Nodes':
      return `new nodes after ${trigger.after.toISOString()}`;
    case 'Purge':
      return `purge ${trigger.request}`;
    default:
      return trigger satisfies never;
  }
}
