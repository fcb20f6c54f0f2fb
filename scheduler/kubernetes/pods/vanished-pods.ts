import type { RunPod, Versioned } from '../../objects.ts';
import { hasEnded } from '../../pods/state.ts';
import { isFinished, type Run } from '../../run/run.ts';

/** A limit above the number of nodes of a large cluster. */
const maxPods = 10_000;

/**
 * The last states of pods that were deleted after their cleaner had ended. The report of a cleaner may come only with the
 * deletion of its pod, for example at the end of a grace period. So the pod shows until the record has its result.
 */
export class VanishedPods {
  readonly #pods = new Map<string, RunPod>();
  #shown:
    | { readonly pods: readonly RunPod[]; readonly runs: readonly Versioned<Run>[]; readonly all: readonly RunPod[] }
    | undefined;

  /** Keeps the last state of a pod, unless its cleaner was at work until then. */
  keep(pod: RunPod): void {
    if (!hasEnded(pod)) return;
    this.#shown = undefined;
    this.#pods.delete(pod.name);
    this.#pods.set(pod.name, { ...pod, deletionTimestamp: pod.deletionTimestamp ?? new Date() });
    const [oldest] = this.#pods.keys();
    if (this.#pods.size > maxPods && oldest !== undefined) this.#pods.delete(oldest);
  }

  /** The pods that exist, and those whose results the records of active runs lack. Forgets the others. */
  addTo(pods: readonly RunPod[], runs: readonly Versioned<Run>[]): readonly RunPod[] {
    if (this.#pods.size === 0) return pods;
    if (this.#shown?.pods !== pods || this.#shown.runs !== runs) {
      this.#forget(pods, runs);
      this.#shown = { pods, runs, all: [...pods, ...this.#pods.values()] };
    }
    return this.#shown.all;
  }

  #forget(pods: readonly RunPod[], runs: readonly Versioned<Run>[]): void {
    const byName = new Map(runs.map(({ value }) => [value.name, value]));
    for (const pod of this.#pods.values()) if (!isAwaited(pod, byName.get(pod.run))) this.#pods.delete(pod.name);
    for (const { name } of pods) this.#pods.delete(name);
  }
}

/** True if the run continues, and its record has neither the result of the node nor a later try. */
function isAwaited({ node, attempt }: RunPod, run: Run | undefined): boolean {
  if (run === undefined || isFinished(run)) return false;
  const progress = run.nodes.get(node);
  return progress === undefined || (progress.state !== 'Settled' && progress.attempts <= attempt + 1);
}
