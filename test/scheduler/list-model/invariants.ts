import type { Node, RunPod } from '../../../scheduler/objects.ts';
import type { PrepullPolicy } from '../../../scheduler/prepull/policy.ts';
import { isGone } from '../../../scheduler/prepull/removal/removals.ts';
import type { ImageState } from '../../../scheduler/prepull/states/image-state.ts';
import type { Tally } from '../../../scheduler/prepull/tally.ts';
import { imagesOf } from '../../../scheduler/prepull/wanted.ts';
import { type NodeProgress, resultOf, waiting } from '../../../scheduler/run/progress.ts';
import { isFinished, type Run } from '../../../scheduler/run/run.ts';
import type { PolicyStatus } from '../../../scheduler/status/status.ts';
import { isLive } from '../model-judge.ts';
import { startTimeoutMs } from '../model-replica.ts';
import type { Timeline } from '../model-timeline.ts';
import type { World, WorldMonitor } from '../model-world.ts';
import { images, registryOf } from './images.ts';
import type { ImageMonitor, ListKubelets } from './kubelets.ts';
import type { Answer } from './registry.ts';
import type { Truth } from './truth.ts';

/** A pass, and with it what it decides on, takes no longer. */
const passMs = 20_000;
/** The record of a run that is played without any disturbance has so many writes beside those for its pods. */
const writesBeside = 10;

/** All that must hold at every instant, over what is really so. */
export class ListInvariants implements WorldMonitor, ImageMonitor {
  readonly violations: string[] = [];
  /** The images that the last run of a policy on a node has tried to pull, by policy and node. */
  readonly #tried = new Map<string, { readonly run: string; readonly images: Set<string> }>();
  readonly #timeline: Timeline;
  readonly #truth: Truth;
  /** The greatest delay of what a scheduler knows. */
  readonly #staleMs: number;
  #world: World<ListKubelets> | undefined;
  /** The runs that were ever started, by the owners of their records. */
  readonly #started = new Set<string>();
  /** The number of pods and of writes of each record, by its uid. */
  readonly #pods = new Map<string, number>();
  readonly #writes = new Map<string, number>();
  readonly #unreadySince = new Map<string, number>();
  readonly #seenNodes = new Set<string>();
  /** When an image was on a node for the last time, as far as a pull has shown it, with its digests. */
  readonly #seen = new Map<string, { at: number; digests: Set<string> }>();
  readonly #refused = new Map<string, Map<Answer, number>>();
  /** When a run of a policy was known to have removed an image from a node. */
  readonly #removedAt = new Map<string, number>();

  constructor(timeline: Timeline, truth: Truth, staleMs: number) {
    this.#timeline = timeline;
    this.#truth = truth;
    this.#staleMs = staleMs;
  }

  watch(world: World<ListKubelets>): void {
    this.#world = world;
  }

  report(violation: string): void {
    this.violations.push(`${new Date(this.#timeline.now).toISOString()}: ${violation}`);
  }

  present(node: string, image: string, digest: string): void {
    const seen = this.#seen.get(`${node} ${image}`) ?? { at: 0, digests: new Set() };
    seen.digests.add(digest);
    this.#seen.set(`${node} ${image}`, seen);
  }

  refused(node: string, image: string, answer: Answer): void {
    const answers = this.#refused.get(`${node} ${image}`) ?? new Map<Answer, number>();
    this.#refused.set(`${node} ${image}`, answers.set(answer, this.#timeline.now));
  }

  runCreated(run: Run, policyUid: string): void {
    const key = `${policyUid} ${run.name}`;
    if (this.#started.has(key)) this.report(`${run.name} was started before (C10, P19)`);
    this.#started.add(key);
    if (run.trigger.type === 'Request') this.#truth.requestServed(policyUid, run.trigger.request);
    if (this.#staleMs > 1_000 || run.kind.name !== 'prepull') return;
    const active = this.#runsOf(policyUid).filter((other) => !isFinished(other.run));
    if (active.length > 0) this.report(`${run.name} started while ${active[0]?.run.name} was active (C11)`);
  }

  runUpdated(before: Run, after: Run): void {
    const { name } = after;
    const { uid = '' } = this.#recordOf(name) ?? {};
    this.#writes.set(uid, (this.#writes.get(uid) ?? 0) + 1);
    if (isFinished(before) && (before.phase !== after.phase || before.reason !== after.reason))
      this.report(`${name} was ${before.phase}, and is ${after.phase} (C27)`);
    for (const [node, progress] of before.nodes) {
      const result = resultOf(progress);
      const hasLeft = progress.state === 'Settled' && progress.reason === 'NodeRemoved';
      if (result !== undefined && !hasLeft && resultOf(after.nodes.get(node) ?? waiting) !== result)
        this.report(`${name}: the result ${result} of node ${node} was erased (P19)`);
    }
    if (after.kind.name !== 'prepull') return;
    for (const [node, progress] of after.nodes)
      if (before.nodes.get(node) !== progress && progress.state === 'Settled') this.#checkTally(after, node, progress);
    if (isFinished(after) && !isFinished(before)) this.#checkEnd(after, uid);
  }

  statusWritten(_before: PolicyStatus | undefined, _after: PolicyStatus): void {}

  podCreated(pod: RunPod, run: Run, owner: string): void {
    this.#pods.set(owner, (this.#pods.get(owner) ?? 0) + 1);
    this.#noteTried(pod, run);
    const live = this.#podsOf(owner).filter(isLive);
    const beside = live.filter((other) => other.node === pod.node);
    if (beside.length > 1) this.report(`${run.name}: ${beside.length} pods on node ${pod.node} (P2, P24)`);
    this.#checkLimits(run, live);
    if (pod.kind === 'puller') this.#checkPuller(pod, run, owner);
    else this.#checkCleaner(pod, run, owner);
  }

  podChanged(): void {}

  /** True if the last run of the policy on the node has tried to pull all of the images. */
  hasTried(policy: string, node: string, wanted: Iterable<string>): boolean {
    const tried = this.#tried.get(`${policy} ${node}`)?.images ?? new Set();
    return [...wanted].every((image) => tried.has(image));
  }

  /** The machine is gone, with all that it had. */
  discard(node: string): void {
    for (const key of this.#tried.keys()) if (key.endsWith(` ${node}`)) this.#tried.delete(key);
    for (const key of this.#removedAt.keys()) if (key.includes(` ${node} `)) this.#removedAt.delete(key);
  }

  nodeChanged(name: string, node: Node | undefined): void {
    this.#seenNodes.add(name);
    if (!node?.ready) this.#unreadySince.set(name, Number.POSITIVE_INFINITY);
    else if (this.#unreadySince.has(name)) this.#unreadySince.set(name, this.#timeline.now);
  }

  /** Notes which images are there, before something may change that. */
  look(): void {
    for (const { key: node } of this.#world?.nodes.entries.values() ?? [])
      for (const image of this.#world?.kubelets.runtimeOf(node).images.keys() ?? []) {
        const seen = this.#seen.get(`${node} ${image}`);
        if (seen !== undefined) seen.at = this.#timeline.now;
      }
  }

  #noteTried({ name, node }: RunPod, run: Run): void {
    const key = `${run.policy} ${node}`;
    const known = this.#tried.get(key);
    const tried = known?.run === run.name ? known : { run: run.name, images: new Set<string>() };
    this.#tried.set(key, tried);
    for (const { image } of this.#world?.kubelets.specOf(name)?.containers ?? []) tried.images.add(image);
  }

  #checkPuller(pod: RunPod, run: Run, owner: string): void {
    const { now } = this.#timeline;
    const policyUid = this.#policyOf(owner);
    const spec = this.#world?.kubelets.specOf(pod.name);
    if (this.#truth.isPurged(policyUid, now - this.#staleMs - passMs))
      this.report(`${run.name}: a puller on node ${pod.node}, and the policy is purged (P15)`);
    const others = this.#runsOf(policyUid).flatMap(({ uid }) => (uid === owner ? [] : this.#podsOf(uid)));
    const beside = others.find(
      (other) =>
        other.node === pod.node && other.kind === 'puller' && isLive(other) && other.deletionTimestamp === undefined,
    );
    if (beside !== undefined && this.#staleMs <= 1_000 && !this.#isEnded(owner))
      this.report(`${run.name}: a puller on node ${pod.node} beside ${beside.name} (P24)`);
    for (const { image, imagePullPolicy } of spec?.containers ?? []) {
      if (!this.#truth.mayHaveWanted(run.policy, pod.node, image))
        this.report(`${run.name}: node ${pod.node} pulls ${image}, which no list wants there`);
      if (image === images.pinned && imagePullPolicy === 'Always')
        this.report(`${run.name}: node ${pod.node} refreshes ${image} (P23)`);
      this.#removedAt.delete(`${run.policy} ${pod.node} ${image}`);
    }
  }

  #checkCleaner(pod: RunPod, run: Run, owner: string): void {
    const since = this.#timeline.now - this.#staleMs - passMs;
    const { due, prepulled = [] } = this.#world?.kubelets.needsOf(pod.name) ?? {};
    const wanted = this.#truth.wantedOn(pod.node, since);
    const unprotected = wanted.filter((image) => !prepulled.includes(image));
    if (unprotected.length > 0)
      this.report(`${run.name}: the cleaner on node ${pod.node} may remove ${unprotected.join(', ')} (P11)`);
    if (due === undefined) return;
    const kept = due.filter((image) => wanted.includes(image));
    if (kept.length > 0) this.report(`${run.name}: node ${pod.node} must remove ${kept.join(', ')} (P12, P13)`);
    const strange = due.filter((image) => !this.#truth.mayHaveWanted(run.policy, pod.node, image));
    if (strange.length > 0) this.report(`${run.name}: node ${pod.node} must remove ${strange.join(', ')} (P12)`);
    if (run.trigger.type !== 'Purge' && due.length > 0 && this.#truth.isRetained(this.#policyOf(owner), since))
      this.report(`${run.name}: node ${pod.node} must remove ${due.join(', ')} in spite of Retain (P14)`);
    const again = due.filter((image) => {
      const at = this.#removedAt.get(`${run.policy} ${pod.node} ${image}`) ?? Number.POSITIVE_INFINITY;
      return at < since && at < run.startedAt.getTime();
    });
    if (again.length > 0) this.report(`${run.name}: node ${pod.node} must remove ${again.join(', ')} again (P12)`);
  }

  /** Two schedulers at work at once may each start a node that the other does not know of yet. */
  get #slack(): number {
    return this.#staleMs > 1_000 ? 1 : 0;
  }

  /** No more nodes at once than the policy says, and no more that pull from one registry. */
  #checkLimits(run: Run, live: readonly RunPod[]): void {
    const { parallelism, canary, perRegistry } = (run.spec as PrepullPolicy).rollout;
    // A creation that was under way when the run ended comes late; the pod is deleted at once.
    if (this.#isEnded(this.#recordOf(run.name)?.uid ?? '')) return;
    const counted = live.filter((pod) => this.#isExpectedToEnd(pod));
    const limit = (typeof parallelism === 'number' ? parallelism : this.#seenNodes.size) + this.#slack;
    if (counted.length > limit) this.report(`${run.name}: ${counted.length} pods at once, ${limit} may be (P18)`);
    const hasResult = [...(this.#currentOf(run.name)?.nodes.values() ?? [])].some((progress) => resultOf(progress));
    if (canary > 0 && !hasResult && counted.length > canary + this.#slack)
      this.report(`${run.name}: ${counted.length} pods before ${canary} canaries (P18)`);
    if (perRegistry === undefined) return;
    const pulling = counted.filter(({ kind }) => kind === 'puller');
    const registries = pulling.flatMap(({ name }) => {
      const { containers = [] } = this.#world?.kubelets.specOf(name) ?? {};
      return [...new Set(containers.map(({ image }) => registryOf(image)))];
    });
    for (const [registry, { length }] of Map.groupBy(registries, (name) => name))
      if (length > perRegistry + this.#slack) this.report(`${run.name}: ${length} nodes pull from ${registry} (P18)`);
  }

  /** The figures of a node say what was there, and what a registry really answered. */
  #checkTally(run: Run, node: string, { tally }: NodeProgress & { readonly tally?: unknown }): void {
    if (tally === undefined) return;
    const references = imagesOf(run.spec as PrepullPolicy);
    for (const [index, state] of (tally as Tally).images) this.#checkState(run, node, references[index] ?? '', state);
    for (const [image, outcome] of (tally as Tally).removals ?? [])
      if (isGone(outcome)) this.#removedAt.set(`${run.policy} ${node} ${image}`, this.#timeline.now);
  }

  #checkState(run: Run, node: string, image: string, state: ImageState): void {
    const since = run.startedAt.getTime();
    const where = `${run.name}: ${image} on node ${node} is called`;
    const seen = this.#seen.get(`${node} ${image}`);
    if (state.state === 'Present') {
      if (seen === undefined || seen.at < since) this.report(`${where} present, and was not there (P1)`);
      if (state.digest !== undefined && seen?.digests.has(state.digest) !== true)
        this.report(`${where} present as ${state.digest}, which it never was (P1)`);
      return;
    }
    if (state.state !== 'Failed' || state.cause.message?.startsWith('no result within')) return;
    // A pod that only holds images finds that one of them was removed meanwhile.
    if (state.cause.message?.includes('ErrImageNeverPull') || state.cause.reason === 'NotFound') return;
    const at = this.#refused.get(`${node} ${image}`)?.get(state.cause.reason);
    if (at === undefined || at < since) this.report(`${where} ${state.cause.reason}, which no registry said (P5)`);
  }

  #checkEnd(run: Run, record: string): void {
    const unknown = [...run.nodes].filter(([, progress]) => resultOf(progress) === undefined);
    if (unknown.length > 0) this.report(`${run.name} ended, and nothing is said of node ${unknown[0]?.[0]} (C32)`);
    if (run.reason === undefined) this.report(`${run.name} ended without a reason (C23)`);
    if (run.phase === 'Succeeded') this.#checkSuccess(run);
    const writes = this.#writes.get(record) ?? 0;
    const limit = (this.#pods.get(record) ?? 0) + writesBeside;
    if (this.#staleMs <= 1_000 && writes > limit)
      this.report(`${run.name}: ${writes} writes of the record for ${this.#pods.get(record) ?? 0} pods (P21)`);
  }

  /** A run that succeeds has brought every image to every node that it is about. */
  #checkSuccess(run: Run): void {
    for (const [node, progress] of run.nodes) {
      const { tally } = progress.state === 'Settled' ? progress : {};
      const states = [...((tally as Tally | undefined)?.images.values() ?? [])];
      const isBad = resultOf(progress) === 'Failed' || states.some(({ state }) => state !== 'Present');
      if (isBad) this.report(`${run.name} has succeeded without node ${node} (P7)`);
    }
  }

  /** A pod on a node that is or was lost, or one that was deleted and stays, holds nothing up. */
  #isExpectedToEnd({ node, createdAt, deletionTimestamp }: RunPod): boolean {
    const isLost = (this.#unreadySince.get(node) ?? 0) >= createdAt.getTime();
    return !isLost && this.#timeline.now < (deletionTimestamp?.getTime() ?? this.#timeline.now) + startTimeoutMs;
  }

  #recordOf(run: string) {
    return this.#world?.configMaps.entries.get(`${run}.run`);
  }

  #currentOf(run: string): Run | undefined {
    const record = this.#recordOf(run)?.value;
    return record?.kind === 'run' ? record.run : undefined;
  }

  /** True if the run whose record has this uid has ended, or is gone. */
  #isEnded(record: string): boolean {
    const entry = [...(this.#world?.configMaps.entries.values() ?? [])].find(({ uid }) => uid === record);
    return entry?.value.kind !== 'run' || isFinished(entry.value.run);
  }

  #policyOf(record: string): string {
    const entry = [...(this.#world?.configMaps.entries.values() ?? [])].find(({ uid }) => uid === record);
    return entry?.value.kind === 'run' ? entry.value.owner : '';
  }

  #runsOf(policyUid: string) {
    return this.#world?.runs(policyUid) ?? [];
  }

  #podsOf(owner: string): RunPod[] {
    return this.#world?.podsOf(owner) ?? [];
  }
}
