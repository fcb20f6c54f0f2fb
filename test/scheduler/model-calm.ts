import type { CleanupDocument } from '../../scheduler/cleanup/policy.ts';
import type { Node, RunPod } from '../../scheduler/objects.ts';
import { retryAtOf, waiting } from '../../scheduler/run/progress.ts';
import { isFinished, type Run } from '../../scheduler/run/run.ts';
import { isLive, isMeant } from './model-judge.ts';
import { nextScheduledTimeOf, type Oracle, pressureCoolDownMs } from './model-oracle.ts';
import { startTimeoutMs } from './model-replica.ts';
import type { World } from './model-world.ts';

/** All that a scheduler that knows everything can take for its next step, its pauses between writes included. */
const stepMs = 6_000;
/** A pod that is asked to end at the deadline has its grace period, and the kubelet some time to tell of its end. */
const lateReportMs = 12_000;
/** Records are kept for at least so long. */
const minRecordAgeMs = 600_000;

/** All that must hold whenever a scheduler knows everything, and has nothing to do at once. */
export class CalmChecks {
  readonly #world: World;
  readonly #oracle: Oracle;
  readonly #report: (violation: string) => void;
  /** Since when something is missing that is to come by itself, by what it is. */
  readonly #missingSince = new Map<string, number>();

  constructor(world: World, oracle: Oracle, report: (violation: string) => void) {
    this.#world = world;
    this.#oracle = oracle;
    this.#report = report;
  }

  /** `known` are the runs as that scheduler knows them. */
  check(known: (policy: string) => readonly Run[]): void {
    const { now } = this.#world.timeline;
    for (const { name, uid, document } of this.#oracle.policies()) {
      const runs = this.#world.runs(uid);
      const isAtWork = ({ run, uid }: (typeof runs)[number]) =>
        !isFinished(run) && !this.#onlyWaits(known(name).find((other) => other.name === run.name) ?? run, uid);
      const isBusy = runs.some(isAtWork) && (document?.concurrencyPolicy ?? 'Forbid') === 'Forbid';
      const missed = this.#oracle.mustHaveStarted(uid, now);
      if (missed !== undefined && !isBusy) this.#report(`policy ${name}: ${missed} was not started (C1, C4, C6)`);
      if (document?.concurrencyPolicy === 'Allow' || runs.every(({ run }) => isFinished(run)))
        this.#checkPressure(name, uid, document);
      this.#checkStatus(name, uid, document);
      for (const { run, uid: owner } of runs) this.#checkRun(run, owner, known(name));
      if (document !== undefined) this.#checkHistory(runs, document);
    }
  }

  /** All that must hold after everything was deleted, and some time has passed. */
  checkNothingLeft(): void {
    const left = [
      ...this.#world.configMaps.entries.keys(),
      ...this.#world.jobs.keys(),
      ...this.#world.pods.entries.keys(),
    ];
    if (left.length > 0) this.#report(`left over: ${left.join(', ')} (C31)`);
  }

  #checkPressure(name: string, uid: string, document: CleanupDocument | undefined): void {
    if (!document?.disk?.onPressure || document.suspend) return;
    const isOver = this.#world.timeline.now > this.#oracle.lastStart(uid) + pressureCoolDownMs + 1_000;
    const pressed = this.#nodes.find((node) => node.diskPressure && isMeant(node, document));
    if (isOver && pressed !== undefined)
      this.#report(`policy ${name}: nothing is done for node ${pressed.name}, under disk pressure`);
  }

  #checkStatus(name: string, uid: string, document: CleanupDocument | undefined): void {
    const status = this.#world.status(name);
    if (status?.policyUid !== uid) this.#report(`policy ${name} has no status (C32)`);
    if (status?.policyUid !== uid) return;
    if (status.valid !== (document !== undefined)) this.#report(`policy ${name} is called valid: ${status.valid} (C3)`);
    const last = this.#oracle.lastScheduledTime(uid);
    if (status.lastSlot?.getTime() !== last?.getTime())
      this.#report(
        `policy ${name} ran last for ${last?.toISOString()}, its status says ${status.lastSlot?.toISOString()} (C7)`,
      );
    const next = document && nextScheduledTimeOf(name, document, this.#world.timeline.now);
    if (status.nextSlot?.getTime() !== next?.getTime())
      this.#report(
        `policy ${name} runs next for ${next?.toISOString()}, its status says ${status.nextSlot?.toISOString()} (C32)`,
      );
  }

  #checkRun(run: Run, owner: string, known: readonly Run[]): void {
    if (isFinished(run)) this.#checkFinished(run, owner);
    else this.#checkProgressing(known.find(({ name }) => name === run.name) ?? run, owner);
  }

  #checkFinished(run: Run, owner: string): void {
    const pods = this.#world.podsOf(owner).filter(({ deletionTimestamp }) => deletionTimestamp === undefined);
    const active = pods.find(isLive);
    if (active !== undefined) this.#report(`${run.name} is over, and pod ${active.name} goes on (C29)`);
    const expiresAt = (run.finishedAt?.getTime() ?? 0) + run.spec.ttlSecondsAfterFinished * 1000;
    if (this.#world.timeline.now > expiresAt + 1_000 && pods.length > 0)
      this.#report(`${run.name} still has pods after its TTL (C30)`);
  }

  /** A run that waits for nothing must not stand still, whatever its nodes are at. */
  #checkProgressing(run: Run, owner: string): void {
    const { now } = this.#world.timeline;
    const deadline = run.startedAt.getTime() + run.spec.activeDeadlineSeconds * 1000;
    const isEnding = this.#world.podsOf(owner).some(isLive) && now <= deadline + stepMs + lateReportMs;
    if (now > deadline + stepMs && !isEnding) this.#report(`${run.name} goes on after its deadline (C29, H39)`);
    const isWaiting =
      run.phase === 'Paused' ||
      this.#waitsForNode(run) ||
      this.#world.podsOf(owner).some((pod) => isLive(pod) && !this.#isGivenUp(pod, run)) ||
      [...run.nodes.values()].some((progress) => (retryAtOf(progress) ?? 0) + stepMs > now);
    this.#expectSoon(owner, !isWaiting, () => `${run.name} stands still (C17, C21)`);
    for (const node of this.#nodes) this.#checkReached(run, owner, node);
    this.#checkReports(run, owner);
  }

  /** Each report that is there to be seen counts, also after the deadline. */
  #checkReports(run: Run, owner: string): void {
    for (const { node, attempt } of this.#world.podsOf(owner).filter(({ phase }) => phase === 'Succeeded')) {
      const progress = run.nodes.get(node);
      const isOpen = progress?.state !== 'Settled' || progress.reason === 'DeadlineExceeded';
      if (isOpen && progress?.attempts === attempt + 1)
        this.#report(`${run.name}: the report of ${node} is lost (H39)`);
    }
  }

  /** A node that is there, or becomes one for the policy, gets its pod, where nothing holds the run back. */
  #checkReached(run: Run, owner: string, node: Node): void {
    const { parallelism, canary, failurePolicy } = run.spec.rollout;
    if (parallelism !== '100%' || canary > 0 || failurePolicy !== 'Continue') return;
    const isForIt = isMeant(node, run.document) && (run.trigger.type !== 'Pressure' || node.diskPressure === true);
    const { state, attempts } = run.nodes.get(node.name) ?? waiting;
    const isReached = attempts > 0 || state === 'Refused' || state === 'Settled';
    const isMissing = isForIt && !isReached;
    this.#expectSoon(`${owner} ${node.name}`, isMissing, () => `${run.name} leaves out node ${node.name} (C15, C20)`);
  }

  /** True if the run has done what it can, and only waits for nodes that are not ready: it must hold up no other (H18). */
  #onlyWaits(run: Run, owner: string): boolean {
    const isToDo = [...run.nodes].some(([name, { state }]) => {
      const node = this.#world.nodes.entries.get(name)?.value;
      return state !== 'Settled' && (node === undefined || isMeant(node, run.document));
    });
    return run.phase === 'Running' && !isToDo && !this.#world.podsOf(owner).some(isLive) && this.#waitsForNode(run);
  }

  /** True if a node of the run is not ready, and may come back before the deadline (H18). */
  #waitsForNode({ document, nodes, trigger }: Run): boolean {
    return this.#nodes.some((node) => {
      const isSettled = nodes.get(node.name)?.state === 'Settled';
      const isForIt = trigger.type !== 'Pressure' || node.diskPressure === true;
      return !node.ready && !isSettled && isForIt && isMeant({ ...node, ready: true }, document);
    });
  }

  /** True if its node is settled and nobody waits for the pod to end. */
  #isGivenUp({ node, deletionTimestamp }: RunPod, run: Run): boolean {
    const endsAt = (deletionTimestamp?.getTime() ?? Number.POSITIVE_INFINITY) + startTimeoutMs;
    const isLost = this.#world.nodes.entries.get(node)?.value.ready !== true;
    return run.nodes.get(node)?.state === 'Settled' && (isLost || endsAt <= this.#world.timeline.now);
  }

  #checkHistory(runs: readonly { run: Run }[], document: CleanupDocument): void {
    const { now } = this.#world.timeline;
    const expired = runs.filter(
      ({ run: { startedAt, finishedAt, spec } }) =>
        finishedAt !== undefined &&
        now > finishedAt.getTime() + spec.ttlSecondsAfterFinished * 1000 + 1_000 &&
        now > startedAt.getTime() + minRecordAgeMs + 1_000,
    );
    for (const [phase, limit] of [
      ['Succeeded', document.successfulRunsHistoryLimit ?? 3],
      ['Failed', document.failedRunsHistoryLimit ?? 1],
    ] as const) {
      const count = expired.filter(({ run }) => run.phase === phase).length;
      if (count > limit) this.#report(`${count} records of runs that are ${phase}, ${limit} may be (C13)`);
    }
  }

  /** Something is missing now, or not; says so if it stays away. */
  #expectSoon(what: string, isMissing: boolean, violation: () => string): void {
    const { now } = this.#world.timeline;
    if (!isMissing) this.#missingSince.delete(what);
    const since = this.#missingSince.get(what) ?? now;
    if (isMissing) this.#missingSince.set(what, since);
    if (now - since > stepMs) this.#report(`${violation()}, since ${new Date(since).toISOString()}`);
  }

  get #nodes() {
    return [...this.#world.nodes.entries.values()].map(({ value }) => value);
  }
}
