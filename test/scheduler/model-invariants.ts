import type { Node, RunPod } from '../../scheduler/objects.ts';
import { type NodeProgress, resultOf, waiting } from '../../scheduler/run/progress.ts';
import { isFinished, type Run } from '../../scheduler/run/run.ts';
import type { PolicyStatus } from '../../scheduler/status/status.ts';
import { isLive, isMeant } from './model-judge.ts';
import type { Oracle } from './model-oracle.ts';
import { startTimeoutMs } from './model-replica.ts';
import type { Timeline } from './model-timeline.ts';
import type { World, WorldMonitor } from './model-world.ts';

/** A pass, and with it what it decides on, takes no longer. */
const passMs = 20_000;
/** So long after the report of a pod its success is known for sure. */
const settleMs = 6_000;

/** The reasons of runs that end before they have done what they could. */
const halts = ['CanaryFailed', 'NodesFailed', 'DeadlineExceeded', 'Replaced', 'JobTooLarge'];

/** All that must hold at every instant, over what is really so. */
export class Invariants implements WorldMonitor {
  readonly violations: string[] = [];
  readonly #timeline: Timeline;
  readonly #oracle: Oracle;
  /** The greatest delay of what a scheduler knows. */
  readonly #staleMs: number;
  #world: World | undefined;
  /** By record and node, the pods that reported success, and since when that can be seen. */
  readonly #successes = new Map<string, number>();
  /** By record and node, how many pods there were. */
  /** Pods that a kubelet had no room for, which are no tries, by node. */
  readonly #rejections = new Map<string, Set<string>>();
  readonly #tries = new Map<string, number>();
  /** When each node that ever was there has changed last. */
  readonly #changedAt = new Map<string, number>();
  readonly #unreadySince = new Map<string, number>();
  readonly #pressedUntil = new Map<string, number>();

  constructor(timeline: Timeline, oracle: Oracle, staleMs: number) {
    this.#timeline = timeline;
    this.#oracle = oracle;
    this.#staleMs = staleMs;
  }

  watch(world: World): void {
    this.#world = world;
  }

  report(violation: string): void {
    this.violations.push(`${new Date(this.#timeline.now).toISOString()}: ${violation}`);
  }

  runCreated(run: Run, policyUid: string, replica: number): void {
    // Everything that belongs to a policy that was deleted is about to go.
    if (!this.#oracle.policies().some(({ uid }) => uid === policyUid)) return;
    const objection = this.#oracle.objection(run, policyUid, this.#timeline.now, this.#staleMs);
    if (objection !== undefined) this.report(`replica ${replica} started ${run.name}: ${objection}`);
    this.#oracle.started(run, policyUid);
    if (this.#staleMs > 1_000 || run.spec.concurrencyPolicy === 'Allow') return;
    const active = this.#runsOf(policyUid).filter((other) => !isFinished(other.run));
    if (active.length > 0) this.report(`${run.name} started while ${active[0]?.run.name} was active (C11)`);
  }

  runUpdated(before: Run, after: Run): void {
    if (isFinished(before) && (before.phase !== after.phase || before.reason !== after.reason))
      this.report(`${after.name} was ${before.phase}, and is ${after.phase} (C27)`);
    for (const [node, progress] of before.nodes) {
      const result = resultOf(progress);
      const hasLeft = progress.state === 'Settled' && result === 'Skipped' && progress.reason === 'NodeRemoved';
      if (result !== undefined && !hasLeft && resultOf(after.nodes.get(node) ?? waiting) !== result)
        this.report(`${after.name}: the result ${result} of node ${node} was erased (C22)`);
    }
    for (const [node, progress] of after.nodes) this.#checkProgress(after, node, progress);
    if (isFinished(after) && !isFinished(before) && this.#staleMs <= 1_000) this.#checkEnd(after);
    if (isFinished(after) && after.reason === undefined) this.report(`${after.name} ended without a reason (C23)`);
  }

  /** A run ends once nothing that it could still do is left: not before its deadline, and not while cleaners end. */
  #checkEnd(run: Run): void {
    const { name, startedAt, spec, reason = '', nodes } = run;
    const { now } = this.#timeline;
    const deadline = startedAt.getTime() + spec.activeDeadlineSeconds * 1000;
    const owner = this.#world?.configMaps.entries.get(`${name}.run`);
    const given = this.#podsOf(owner?.uid ?? '').filter((pod) => isLive(pod) && this.#mayReport(pod));
    const cutOff = given.find(({ node }) => hasReason(nodes.get(node), 'DeadlineExceeded'));
    if (cutOff !== undefined && now < deadline + 600_000)
      this.report(`${name}: node ${cutOff.node} is given up while its cleaner ends (H39)`);
    const policy = owner?.value.kind === 'run' ? owner.value.owner : '';
    const isAwaited = this.#oracle.isDue(policy, now);
    const isHalted = halts.includes(reason);
    const missing = [...nodes].find(([, progress]) => hasReason(progress, 'NotReady'));
    if (!isHalted && missing !== undefined && now < deadline && !isAwaited)
      this.report(`${name} does not wait for node ${missing[0]}, which is not ready (H18)`);
  }

  #mayReport({ deletionTimestamp }: RunPod): boolean {
    return deletionTimestamp === undefined || this.#timeline.now < deletionTimestamp.getTime() + 10_000;
  }

  statusWritten(before: PolicyStatus | undefined, after: PolicyStatus): void {
    if (before?.policyUid !== after.policyUid) return;
    if (Number(after.observedVersion) < Number(before.observedVersion))
      this.report('the status tells of an older version of the policy than before');
    if ((before.lastSlot?.getTime() ?? 0) > (after.lastSlot?.getTime() ?? 0))
      this.report(`the status forgot the scheduled time ${before.lastSlot?.toISOString()} (C7)`);
  }

  podCreated(pod: RunPod, run: Run, owner: string): void {
    const { spec, name } = run;
    this.#checkNode(pod, run);
    const key = `${owner} ${pod.node}`;
    this.#tries.set(key, (this.#tries.get(key) ?? 0) + 1);
    const live = this.#podsOf(owner).filter(isLive);
    const beside = live.filter((other) => other.node === pod.node);
    if (beside.length > 1) this.report(`${name}: ${beside.length} pods on node ${pod.node} (C15)`);
    if (pod.attempt - (this.#rejections.get(key)?.size ?? 0) > spec.rollout.restartLimit)
      this.report(`${name}: node ${pod.node} is tried more often than restartLimit says (C28)`);
    // A creation that was under way when the run ended comes late; the pod is deleted at once. No wave is left then.
    if (this.#hasEnded(name, owner)) return;
    const counted = live.filter((other) => this.#isExpectedToEnd(other));
    const { parallelism, canary } = spec.rollout;
    const limit =
      typeof parallelism === 'number'
        ? parallelism
        : Math.ceil((this.#changedAt.size * Number.parseInt(parallelism, 10)) / 100);
    if (counted.length > limit) this.report(`${name}: ${counted.length} pods at once, ${limit} may be (C18)`);
    const succeeded = [...this.#successes.keys()].filter((key) => key.startsWith(`${owner} `)).length;
    if (succeeded < canary && counted.length > canary - succeeded)
      this.report(`${name}: ${counted.length} pods before ${canary} canaries have succeeded (C18)`);
  }

  podChanged(pod: RunPod, owner: string): void {
    const key = `${owner} ${pod.node}`;
    if (pod.reason === 'OutOfpods') this.#rejections.set(key, (this.#rejections.get(key) ?? new Set()).add(pod.name));
    if (pod.phase === 'Succeeded' && !this.#successes.has(key)) this.#successes.set(key, this.#timeline.now);
  }

  nodeChanged(name: string, node: Node | undefined): void {
    this.#changedAt.set(name, this.#timeline.now);
    if (node?.diskPressure) this.#pressedUntil.set(name, Number.POSITIVE_INFINITY);
    else if (this.#pressedUntil.get(name) === Number.POSITIVE_INFINITY)
      this.#pressedUntil.set(name, this.#timeline.now);
    if (!node?.ready) this.#unreadySince.set(name, Number.POSITIVE_INFINITY);
    else if (this.#unreadySince.has(name)) this.#unreadySince.set(name, this.#timeline.now);
  }

  /** The pod is on a node that the run means. */
  #checkNode({ node }: RunPod, { name, trigger, document }: Run): void {
    const { now } = this.#timeline;
    if (trigger.type === 'Pressure' && (this.#pressedUntil.get(node) ?? 0) < now - this.#staleMs - passMs)
      this.report(`${name}: node ${node} is not under disk pressure`);
    const isSettled = (this.#changedAt.get(node) ?? now) < now - this.#staleMs - passMs;
    const known = this.#world?.nodes.entries.get(node)?.value;
    if (isSettled && (known === undefined || !isMeant(known, document)))
      this.report(`${name}: node ${node} is not one for the policy (C16)`);
  }

  #checkProgress({ name, phase }: Run, node: string, progress: NodeProgress): void {
    const { attempts } = progress;
    const { result, reason } = progress.state === 'Settled' ? progress : {};
    const owner = this.#world?.configMaps.entries.get(`${name}.run`)?.uid;
    const succeededAt = this.#successes.get(`${owner} ${node}`);
    const tries = this.#tries.get(`${owner} ${node}`) ?? 0;
    if (attempts > tries) this.report(`${name}: node ${node} was tried ${tries} times, not ${attempts} (C24, C32)`);
    if (result === 'Succeeded' && succeededAt === undefined)
      this.report(`${name}: node ${node} is called a success, and was none (C26)`);
    if (
      result === 'Skipped' &&
      succeededAt !== undefined &&
      this.#timeline.now - succeededAt > this.#staleMs + settleMs
    )
      this.report(`${name}: the success of node ${node} is lost: ${reason} (C22)`);
    const pod =
      result === 'Failed' && reason === 'PodDeleted'
        ? this.#podsOf(owner ?? '').find((other) => other.node === node && isLive(other))
        : undefined;
    if (pod !== undefined && pod.deletionTimestamp === undefined && this.#staleMs <= 6_000)
      this.report(`${name}: pod ${pod.name} is called deleted, and is there (C24)`);
    const isOver = phase === 'Succeeded' || phase === 'Failed';
    if (isOver && result === undefined) this.report(`${name} ended, and nothing is said of node ${node} (C32)`);
  }

  /** A pod on a node that is or was lost, or one that was deleted and stays, holds nothing up. */
  #isExpectedToEnd({ node, createdAt, deletionTimestamp }: RunPod): boolean {
    const isLost = (this.#unreadySince.get(node) ?? 0) >= createdAt.getTime();
    return !isLost && this.#timeline.now < (deletionTimestamp?.getTime() ?? this.#timeline.now) + startTimeoutMs;
  }

  #hasEnded(name: string, owner: string): boolean {
    const record = this.#world?.configMaps.entries.get(`${name}.run`);
    return record?.uid !== owner || (record.value.kind === 'run' && isFinished(record.value.run));
  }

  #runsOf(policyUid: string) {
    return this.#world?.runs(policyUid) ?? [];
  }

  #podsOf(owner: string): RunPod[] {
    return this.#world?.podsOf(owner) ?? [];
  }
}

function hasReason(progress: NodeProgress | undefined, reason: string): boolean {
  return progress?.state === 'Settled' && progress.reason === reason;
}
