import { encodeOutcomes, type ReferenceOutcome } from '../../../contract/reference-outcomes.ts';
import type { NodeNeeds } from '../../../scheduler/cluster.ts';
import type { ContainerState, Node, PodContainer, RunPod } from '../../../scheduler/objects.ts';
import type { PodTemplate } from '../../../scheduler/pods/pod-template.ts';
import { prepareContainer } from '../../../scheduler/prepull/states/container-names.ts';
import { podName } from '../../../scheduler/run/names.ts';
import type { NodeProgress } from '../../../scheduler/run/progress.ts';
import { decodeProgress, encodeProgress } from '../../../scheduler/run/progress-codec.ts';
import type { Run } from '../../../scheduler/run/run.ts';
import { buildReport } from '../../helpers/builders.ts';
import { type Fate, Kubelets, succeeded } from '../model-kubelet.ts';
import type { World } from '../model-world.ts';
import { images } from './images.ts';
import { type Answer, Registry, refusalOf } from './registry.ts';

/** The images of a node, each with its digest, and what is about to use them. */
export interface Runtime {
  readonly images: Map<string, string>;
  /** The images of containers that are of no pod of ours. */
  readonly used: Set<string>;
  /** By pod of ours, the images of its containers, ended ones too. */
  readonly held: Map<string, Set<string>>;
  isFull: boolean;
}

/** Hears of what a kubelet does to the images of its node. */
export interface ImageMonitor {
  present(node: string, image: string, digest: string): void;
  refused(node: string, image: string, answer: Answer): void;
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly imagePullPolicy: string;
}

/** The spec of a pod of ours, as far as kubelets of the model care. */
export interface PodSpec {
  readonly initContainers?: readonly { readonly args: readonly string[] }[];
  readonly containers: readonly Container[];
}

const template: PodTemplate = {
  namespace: 'nodesweep',
  image: 'nodesweep:1',
  serviceAccountName: 'nodesweep-cleaner',
  logLevel: 'info',
};

/** A kubelet needs about so long to remove the containers of a pod that is gone. */
const releaseMs = 40_000;
const longestPauseMs = 60_000;

/** The kubelets and runtimes of all nodes: they pull and remove images, and tell of it as kubelets do. */
export class ListKubelets extends Kubelets {
  readonly registry = new Registry();
  readonly #world: World;
  readonly #monitor: ImageMonitor;
  readonly #runtimes = new Map<string, Runtime>();
  readonly #specs = new Map<string, PodSpec>();
  readonly #needs = new Map<string, NodeNeeds>();
  readonly #slow = new Set<string>();
  /** The last answer to a pull for a container, by pod and container. */
  readonly #answers = new Map<string, Answer>();

  constructor(world: World, monitor: ImageMonitor) {
    super(world);
    this.#world = world;
    this.#monitor = monitor;
  }

  runtimeOf(node: string): Runtime {
    const known = this.#runtimes.get(node);
    if (known !== undefined) return known;
    const made: Runtime = {
      images: new Map<string, string>([[images.foreign, 'sha256:0']]),
      used: new Set(),
      held: new Map(),
      isFull: false,
    };
    this.#runtimes.set(node, made);
    return made;
  }

  /** The machine is gone, with all that it had. */
  discard(node: string): void {
    this.#runtimes.delete(node);
  }

  specOf(pod: string): PodSpec | undefined {
    return this.#specs.get(pod);
  }

  needsOf(pod: string): NodeNeeds | undefined {
    return this.#needs.get(pod);
  }

  isInUse(node: string, image: string): boolean {
    const { used, held } = this.runtimeOf(node);
    return used.has(image) || [...held.values()].some((holding) => holding.has(image));
  }

  override build(run: Run, node: Node, attempt: number, needs: NodeNeeds) {
    const { references: bound, prepulled, due } = needs;
    const { memory } = run.nodes.get(node.name) ?? {};
    const references = { bound, prepulled, due };
    const body = run.kind.buildPod(
      { run, runUid: 'uid', attempt, references, jobMaps: [`${run.name}.job`], memory },
      node,
      template,
    ) as unknown as { readonly spec: PodSpec };
    const name = podName(run.name, node.name, attempt);
    this.#specs.set(name, body.spec);
    this.#needs.set(name, needs);
    const isPuller = body.spec.initContainers?.[0]?.args[0] === 'prepare';
    return isPuller ? { kind: 'puller' as const, containers: [] } : { kind: 'cleaner' as const, due };
  }

  /** A record is text: all that a run knows of its nodes must come through it. */
  override store(run: Run): Run {
    const nodes = [...run.nodes].map(([node, progress]): [string, NodeProgress] => {
      const text = JSON.stringify(encodeProgress(run.kind, progress));
      return [node, decodeProgress(run.kind, JSON.parse(text))];
    });
    return { ...run, nodes: new Map(nodes) };
  }

  /** The containers of a pod that is gone stay for a time. */
  override forget({ name, node }: RunPod): void {
    this.#world.timeline.after(releaseMs, () => this.#runtimes.get(node)?.held.delete(name));
  }

  protected override play(pod: RunPod, fate: Fate): void {
    if (pod.kind === 'cleaner' || fate === 'Rejected') super.play(pod, fate);
    else if (fate === 'Creating' || fate === 'CannotPull') this.#wait(pod, fate);
    else this.#begin(pod, fate);
  }

  #begin(pod: RunPod, fate: Fate): void {
    if (fate === 'Slow') this.#slow.add(pod.name);
    if (fate === 'Evicted') this.later(pod, 3_000, () => this.#evict(pod));
    this.later(pod, 1_000, () => this.#tell(pod, waitingFor('PodInitializing'), { type: 'Running' }));
    this.later(pod, 2_000, () => this.#prepare(pod, fate));
  }

  /** A cleaner removes what it was told, or, if it was told nothing, whatever nothing protects. */
  protected override succeed(pod: RunPod): Partial<RunPod> {
    const runtime = this.runtimeOf(pod.node);
    const { prepulled = [], due } = this.#needs.get(pod.name) ?? {};
    const outcomes = (due ?? [...runtime.images.keys()]).map((image): ReferenceOutcome => {
      if (!runtime.images.has(image)) return { kind: 'Absent' };
      if (this.isInUse(pod.node, image)) return { kind: 'InUse' };
      if (prepulled.includes(image)) return { kind: 'Kept', reason: 'Prepulled' };
      runtime.images.delete(image);
      return { kind: 'Removed' };
    });
    if (due === undefined) return succeeded;
    return {
      ...succeeded,
      containerMessage: JSON.stringify(buildReport({ references: encodeOutcomes(outcomes, 2_000) })),
    };
  }

  protected override endOf(pod: RunPod): Partial<RunPod> {
    const { value } = this.#world.pods.entries.get(pod.name) ?? {};
    return pod.kind === 'cleaner' ? super.endOf(pod) : { ...cutOff(value ?? pod), phase: 'Failed' };
  }

  #evict({ name }: RunPod): void {
    const pod = this.#world.pods.entries.get(name)?.value;
    if (pod === undefined) return;
    this.change(pod, () => ({ ...cutOff(pod), ...evicted }));
    if (this.#world.pods.entries.get(name)?.value.reason === evicted.reason) this.forget(pod);
  }

  /** The first container never starts, so the pod stays pending. */
  #wait(pod: RunPod, fate: Fate): void {
    const reason = fate === 'Creating' ? 'ContainerCreating' : 'ImagePullBackOff';
    const prepare = { name: prepareContainer, state: waitingFor(reason) };
    this.later(pod, 1_000, () => this.change(pod, () => ({ containers: [prepare], containerReason: reason })));
  }

  #prepare(pod: RunPod, fate: Fate): void {
    const looksAtDisk = this.#specs.get(pod.name)?.initContainers?.[0]?.args.includes('--max-percent') === true;
    const isFull = this.runtimeOf(pod.node).isFull && looksAtDisk;
    if (isFull) this.#failToPrepare(pod, JSON.stringify(diskTooFull));
    else if (fate === 'Fails') this.#failToPrepare(pod, JSON.stringify(notPrepared));
    else if (fate === 'Crashes' || fate === 'Refuses') this.#failToPrepare(pod, '');
    else this.#tell(pod, waitingFor('PodInitializing'), this.#ended());
    if (fate !== 'Hangs') this.#pullNext(pod, this.#containersOf(pod), 0);
  }

  #failToPrepare(pod: RunPod, message: string): void {
    const state = { ...this.#ended(), exitCode: 1, reason: 'Error', message };
    this.#tell(pod, waitingFor('PodInitializing'), state);
    this.change(pod, () => ({ phase: 'Failed' }));
  }

  /** One image after the other. All of them are reported when the kubelet has gone through them. */
  #pullNext(pod: RunPod, queue: readonly Container[], round: number): void {
    const [next, ...rest] = queue;
    const current = this.#world.pods.entries.get(pod.name)?.value;
    if (current?.phase !== 'Running' || current.deletionTimestamp !== undefined) return;
    if (next === undefined) {
      this.#report(current, round);
      return;
    }
    const isThere = this.runtimeOf(pod.node).images.has(next.image);
    const isDone = next.imagePullPolicy === 'Never' || (next.imagePullPolicy !== 'Always' && isThere);
    if (isDone) this.#pullNext(pod, rest, round);
    else if (this.registry.answerTo(next.image) === 'Hangs')
      this.later(pod, 5_000, () => this.#pullNext(pod, queue, round));
    else
      this.later(pod, this.#slow.has(pod.name) ? 20_000 : 2_000, () => {
        this.#pull(pod, next);
        this.#pullNext(pod, rest, round);
      });
  }

  #pull({ name, node }: RunPod, { name: container, image }: Container): void {
    const answer = this.registry.answerTo(image);
    this.#answers.set(`${name} ${container}`, answer);
    if (answer !== 'Image') {
      this.#monitor.refused(node, image, answer);
      return;
    }
    const digest = this.registry.digestOf(image);
    this.runtimeOf(node).images.set(image, digest);
    this.#monitor.present(node, image, digest);
  }

  /** Tells of all containers, creates those whose image is there, and tries the others again later. */
  #report(pod: RunPod, round: number): void {
    const containers = this.#containersOf(pod);
    const told = new Map(pod.containers?.map((container) => [container.name, container]));
    const now = containers.map((container) => {
      const known = told.get(container.name);
      return known?.state.type === 'Terminated' ? known : this.#create(pod, container);
    });
    const prepared = told.get(prepareContainer);
    const hasEnded = now.every(({ state }) => state.type === 'Terminated');
    const isWell = now.every(({ state }) => state.type === 'Terminated' && state.exitCode === 0);
    this.change(pod, () => ({
      containers: [...(prepared ? [prepared] : []), ...now],
      phase: hasEnded ? (isWell ? 'Succeeded' : 'Failed') : 'Running',
    }));
    if (hasEnded) return;
    const left = containers.filter((_, index) => now[index]?.state.type === 'Waiting');
    const pauseMs = Math.min(10_000 * 2 ** round, longestPauseMs);
    this.later(pod, pauseMs / 2, () => this.#backOff(pod));
    this.later(pod, pauseMs, () => this.#pullNext(pod, left, round + 1));
  }

  /** The kubelet forgets the cause of a failed pull while it waits for the next one. */
  #backOff({ name }: RunPod): void {
    const pod = this.#world.pods.entries.get(name)?.value;
    if (pod === undefined) return;
    const containers = pod.containers?.map((container) =>
      container.state.type === 'Waiting' && container.state.reason === 'ErrImagePull'
        ? { ...container, state: { ...waitingFor('ImagePullBackOff'), message: 'Back-off pulling image "x"' } }
        : container,
    );
    this.change(pod, () => ({ containers }));
  }

  #create(pod: RunPod, { name, image, imagePullPolicy }: Container): PodContainer {
    const { images: known, held } = this.runtimeOf(pod.node);
    const digest = known.get(image);
    if (digest === undefined) {
      if (imagePullPolicy === 'Never') return { name, state: waitingFor('ErrImageNeverPull') };
      const answer = this.#answers.get(`${pod.name} ${name}`) ?? 'Image';
      // Somebody has removed it since: the next round pulls it again.
      if (answer === 'Image' || answer === 'Hangs') return { name, state: waitingFor('ContainerCreating') };
      return { name, state: refusalOf(image, answer) };
    }
    if (image === images.uncreatable) return { name, state: waitingFor('CreateContainerError') };
    held.set(pod.name, (held.get(pod.name) ?? new Set()).add(image));
    const imageId = `${image.replace(/[:@].*$/, '')}@${digest}`;
    const failed = image === images.unstartable ? { exitCode: 128, reason: 'StartError' } : {};
    return { name, imageId, state: { ...this.#ended(), ...failed } };
  }

  /** Tells the same of all images, before the first of them was pulled. */
  #tell(pod: RunPod, state: ContainerState, prepare: ContainerState): void {
    const containers = this.#containersOf(pod).map(({ name }) => ({ name, state }));
    this.change(pod, () => ({
      phase: 'Running',
      containers: [{ name: prepareContainer, state: prepare }, ...containers],
    }));
  }

  #containersOf({ name }: RunPod): readonly Container[] {
    return this.#specs.get(name)?.containers ?? [];
  }

  #ended() {
    return { type: 'Terminated', reason: 'Completed', exitCode: 0, finishedAt: this.#world.timestamp } as const;
  }
}

const evicted = { phase: 'Failed', reason: 'Evicted', message: 'The node was low on resource: memory.' } as const;
const notPrepared = { version: 1, outcome: 'Failed', message: 'the directory is read-only' };
const diskTooFull = {
  version: 1,
  outcome: 'DiskTooFull',
  usedPercent: 90,
  maxPercent: 80,
  availableBytes: 10 * 2 ** 30,
  capacityBytes: 100 * 2 ** 30,
};

function waitingFor(reason: string) {
  return { type: 'Waiting', reason, message: '' } as const;
}

/** A pod that ends while containers wait: the kubelet no longer knows their states. */
function cutOff({ containers = [] }: RunPod): Partial<RunPod> {
  const lost = { type: 'Terminated', reason: 'ContainerStatusUnknown', exitCode: 137 } as const;
  return {
    containers: containers.map((container) =>
      container.state.type === 'Terminated' ? container : { ...container, state: lost },
    ),
  };
}
