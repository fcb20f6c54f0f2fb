import fc from 'fast-check';
import type { CleanupDocument } from '../../scheduler/cleanup/policy.ts';
import { type Disturbance, disturbances, paces } from './model-disturbances.ts';
import { type Fate, fates } from './model-kubelet.ts';

/** All that happens to a node. */
export const nodeChanges = [
  'Removed',
  'Added',
  'NotReady',
  'Ready',
  'Cordoned',
  'Uncordoned',
  'Tainted',
  'Untainted',
  'Unlabelled',
  'Labelled',
  'Pressed',
  'Relieved',
] as const;
export type NodeChange = (typeof nodeChanges)[number];

/** One thing that happens, apart from what the schedulers do by themselves. */
export type Step =
  | { readonly step: 'Wait'; readonly seconds: number }
  /** Somebody creates a policy, or changes the one of that name; without a document it is broken. */
  | { readonly step: 'Apply'; readonly policy: string; readonly document: CleanupDocument | undefined }
  | { readonly step: 'Suspend' | 'Resume' | 'Delete' | 'Unlabel'; readonly policy: string }
  | { readonly step: 'Annotate'; readonly policy: string; readonly key: 'run-at' | 'resume-at'; readonly value: string }
  | { readonly step: 'Node'; readonly node: string; readonly change: NodeChange }
  /** The next pod on the node meets this fate. */
  | { readonly step: 'Fate'; readonly node: string; readonly fate: Fate }
  /** Somebody deletes the pods on a node. */
  | { readonly step: 'DeletePods'; readonly node: string }
  | Disturbance;

/** All that happens from outside, in its order; everything else follows from it. */
export interface History {
  readonly replicas: number;
  /** The number of milliseconds that the calls of each replica take, over and over. */
  readonly paces: readonly (readonly number[])[];
  readonly nodes: number;
  readonly document: CleanupDocument;
  readonly steps: readonly Step[];
}

const policy = fc.constantFrom('alpha', 'alpha', 'alpha', 'beta');
const node = fc.constantFrom('n1', 'n2', 'n3', 'n4');

/** A field of a policy: most often left at its default. */
export function rarely<const T>(...values: readonly T[]): fc.Arbitrary<T | undefined> {
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 2, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constantFrom(...values) },
  );
}

/** An object of such fields; undefined where all are left out. */
export function given(fields: Record<string, fc.Arbitrary<unknown>>) {
  return fc
    .record(fields)
    .map((object) => (Object.values(object).every((value) => value === undefined) ? undefined : withoutGaps(object)));
}

export function withoutGaps<T extends object>(object: T) {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}

const anyDocument = fc
  .record({
    schedule: fc.constantFrom('*/2 * * * *', '*/1 * * * *', '*/1 * * * *', '*/5 * * * *'),
    startingDeadlineSeconds: rarely(90, 25),
    jitterSeconds: rarely(20),
    disk: rarely({ onPressure: true }),
    concurrencyPolicy: rarely('Allow', 'Replace'),
    suspend: rarely(true),
    nodes: given({
      matchLabels: rarely({ pool: 'ci' }),
      includeUnschedulable: rarely(false),
      tolerations: rarely<[]>([]),
    }),
    rollout: given({
      parallelism: rarely<number | string>(1, 2, '50%'),
      canary: rarely(1, 2),
      failurePolicy: rarely('FailFast', 'Pause'),
      restartLimit: rarely(0, 1),
    }),
    activeDeadlineSeconds: fc.constantFrom(150, 40, 600),
    ttlSecondsAfterFinished: fc.constantFrom(0, 30),
    successfulRunsHistoryLimit: rarely(0, 1),
    failedRunsHistoryLimit: rarely(0),
  })
  .map((fields) => withoutGaps(fields) as CleanupDocument);

/** The same documents in every history, the shortest first, since to parse one takes longer than to play some histories. */
const documents = fc
  .sample(anyDocument, { numRuns: 1_500, seed: 1 })
  .sort((a, b) => JSON.stringify(a).length - JSON.stringify(b).length);
const document = fc.nat(documents.length - 1).map((index) => documents[index] ?? { schedule: '*/2 * * * *' });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ step: fc.constant('Wait'), seconds: fc.constantFrom(1, 3, 10, 35, 60, 120, 300) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      step: fc.constant('Apply'),
      policy,
      document: fc.option(document, { nil: undefined, freq: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constantFrom('Suspend', 'Resume', 'Delete'), policy }) },
  {
    weight: 1,
    arbitrary: fc.record({
      step: fc.constant('Annotate'),
      policy,
      key: fc.constantFrom('run-at', 'resume-at'),
      value: fc.constantFrom('first', 'second'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ step: fc.constant('Node'), node, change: fc.constantFrom(...nodeChanges, 'Pressed') }),
  },
  { weight: 4, arbitrary: fc.record({ step: fc.constant('Fate'), node, fate: fc.constantFrom(...fates) }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('DeletePods'), node }) },
  ...disturbances,
) as fc.Arbitrary<Step>;

export const history: fc.Arbitrary<History> = fc.record({
  replicas: fc.constantFrom(1, 2),
  paces,
  nodes: fc.constantFrom(1, 2, 2, 3, 3, 4, 0),
  document,
  steps: fc.array(step, { maxLength: 20 }),
});
