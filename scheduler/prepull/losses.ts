import type { RunPod } from '../objects.ts';
import { type LastResult, lastResults } from '../run/results/last-results.ts';
import type { EndedRun, ImageReports, Loss, LossRules } from '../run/results/losses.ts';
import type { PrepullPolicy } from './policy.ts';
import { presentBefore } from './pull-times.ts';
import { indexOfContainer } from './states/container-names.ts';
import { imagesOf } from './wanted.ts';

/** The number of pods whose reports are read after a run. */
const maxPods = 3;

/** The number of losses that are remembered. */
const maxLosses = 50;

/**
 * Images that nodes lose between runs. The status of a pod does not tell if an image was pulled, only the Events of the kubelet
 * do, so the Events of a few pods are read. A kubelet reports at most 25 Events for a pod: three for each image that is present,
 * and four for each that it pulls.
 */
export const imageLosses: LossRules = {
  podsToAsk({ run, pods, others, known }) {
    const noted = new Set(known.map(({ node }) => node));
    const results = lastResults(others);
    const candidates = pods.filter(({ kind, phase, node }) => {
      const last = results.get(node);
      return kind === 'puller' && phase === 'Succeeded' && last !== undefined && isEarlier(last, run);
    });
    return candidates
      .toSorted((one, other) => rank(other, noted) - rank(one, noted) || one.name.localeCompare(other.name))
      .slice(0, maxPods);
  },

  lossesAfter(ended, reports) {
    const { run, known } = ended;
    const seen = new Map(known.map((loss) => [keyOf(loss), loss]));
    const images = imagesOf(run.spec as PrepullPolicy);
    for (const { loss, isLost } of observations(ended, reports, images)) {
      const key = keyOf(loss);
      if (isLost) seen.set(key, { ...loss, times: (seen.get(key)?.times ?? 0) + 1 });
      else seen.delete(key);
    }
    return [...seen.values()].filter(({ what }) => images.includes(what)).slice(-maxLosses);
  },

  describe: ({ hold }: PrepullPolicy, losses) => {
    const [first] = losses;
    if (first === undefined) return '';
    const others = losses.length > 1 ? ` (and ${losses.length - 1} more images and nodes)` : '';
    const found = `${first.what} keeps disappearing from node ${first.node}${others}: ${first.times} runs in a row had to pull it again, although it was there after the run before`;
    const step = hold
      ? 'A held pod does not protect images while the node is under disk pressure: give the node more disk, or list less'
      : 'With hold: true the images count as used, and stay';
    return `${found}. ${causes}. ${step}.`;
  },
};

/** A cleanup policy keeps what a list wants. */
const causes =
  'Cleanup policies do not remove it. It may be the kubelet (above imageGCHighThresholdPercent, 85 % by default, or when imageMaximumGCAge has passed), another cleaner, or somebody who removes images by hand or empties the disk';

function isEarlier(last: LastResult, { startedAt }: EndedRun['run']): boolean {
  return last.run.startedAt < startedAt;
}

/** Nodes with known losses come first, and then those whose kubelets took the longest. */
function rank({ node, startDelays = [] }: RunPod, noted: ReadonlySet<string>): number {
  const seconds = startDelays.reduce<number>((sum, delay) => sum + (delay ?? 0), 0);
  return noted.has(node) ? Number.MAX_SAFE_INTEGER : seconds;
}

/** The images that were on their nodes after the run before, as far as the kubelets have reported what they found. */
function observations(
  { run, nodes, pods, others }: EndedRun,
  reports: ReadonlyMap<string, ImageReports>,
  images: readonly string[],
): { readonly loss: Omit<Loss, 'times'>; readonly isLost: boolean }[] {
  const results = lastResults(others.filter(({ startedAt }) => startedAt < run.startedAt));
  const byName = new Map(nodes.map((node) => [node.name, node]));
  return pods.flatMap(({ name: pod, node }) => {
    const had = presentBefore(byName.get(node), results.get(node));
    return [...(reports.get(pod) ?? [])].flatMap(([container, report]) => {
      const what = images[indexOfContainer(container) ?? -1];
      return what === undefined || !had.has(what) ? [] : [{ loss: { node, what }, isLost: report === 'Pulled' }];
    });
  });
}

function keyOf({ node, what }: Omit<Loss, 'times'>): string {
  return `${node} ${what}`;
}
