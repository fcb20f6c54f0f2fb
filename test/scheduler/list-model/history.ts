import fc from 'fast-check';
import type { PrepullDocument } from '../../../scheduler/prepull/policy.ts';
import { type Disturbance, disturbances, paces } from '../model-disturbances.ts';
import { rarely, withoutGaps } from '../model-history.ts';
import { type Fate, fates } from '../model-kubelet.ts';
import { images, listedImages, publicImages } from './images.ts';
import { type Answer, refusals } from './registry.ts';

export type Pool = 'x' | 'y';

/** A list, as the model understands it: its nodes are those of a pool, or all. */
export interface TestList {
  readonly images: readonly string[];
  readonly pool?: Pool | undefined;
}

/** The fields of a policy of image lists apart from its lists. */
export type Fields = Omit<PrepullDocument, 'lists'>;

/** A policy of image lists. */
export interface ListPolicy {
  readonly lists: readonly TestList[];
  readonly fields: Fields;
}

export type NodeChange =
  | 'Removed'
  | 'Returned'
  | 'Replaced'
  | 'NotReady'
  | 'Ready'
  | 'Cordoned'
  | 'Uncordoned'
  | 'Tainted'
  | 'Untainted'
  | Pool;

/** One thing that happens, apart from what the schedulers do by themselves. */
export type Step =
  | { readonly step: 'Wait'; readonly seconds: number }
  /** Somebody creates a policy of lists, or changes the one of that name; without a policy it is broken. */
  | { readonly step: 'Apply'; readonly policy: string; readonly as: ListPolicy | undefined }
  | { readonly step: 'Suspend' | 'Resume' | 'Delete' | 'Run' | 'Purge'; readonly policy: string }
  /** Somebody lets a policy clean all nodes of whatever nothing protects. */
  | { readonly step: 'Sweep' }
  | { readonly step: 'Node'; readonly node: string; readonly change: NodeChange }
  /** The next pod on the node meets this fate. */
  | { readonly step: 'Fate'; readonly node: string; readonly fate: Fate }
  /** Somebody deletes the pods on a node, held ones too. */
  | { readonly step: 'DeletePods'; readonly node: string }
  | { readonly step: 'Registry'; readonly image: string; readonly answer: Answer }
  /** A tag is moved to another image. */
  | { readonly step: 'Move'; readonly image: string }
  /** Somebody removes an image from a node, or a pod begins or ends to use it. */
  | { readonly step: 'Lose' | 'Use' | 'Release'; readonly node: string; readonly image: string }
  | { readonly step: 'Fill' | 'Drain'; readonly node: string }
  | Disturbance;

/** All that happens from outside, in its order; everything else follows from it. */
export interface ListHistory {
  readonly replicas: number;
  readonly paces: readonly (readonly number[])[];
  readonly nodes: number;
  readonly policy: ListPolicy;
  readonly steps: readonly Step[];
}

const policy = fc.constantFrom('base', 'base', 'base', 'other');
const node = fc.constantFrom('n1', 'n2', 'n3');
const image = fc.constantFrom(...listedImages);

const list: fc.Arbitrary<TestList> = fc.record({
  images: fc.oneof(
    { weight: 4, arbitrary: fc.subarray(publicImages, { minLength: 1 }) },
    { weight: 1, arbitrary: fc.subarray([...images.secret], { minLength: 1 }) },
  ),
  pool: fc.constantFrom<Pool | undefined>(undefined, undefined, 'x', 'y'),
});

const fields: fc.Arbitrary<Fields> = fc
  .record({
    schedule: fc.constantFrom('*/2 * * * *', '*/5 * * * *', '*/5 * * * *'),
    hold: rarely(false),
    newNodes: rarely(false),
    removalPolicy: rarely('Retain'),
    suspend: rarely(true),
    imagePullTimeoutSeconds: fc.constantFrom(30, 60),
    activeDeadlineSeconds: fc.constantFrom(200, 100),
    ttlSecondsAfterFinished: fc.constantFrom(0, 30),
    successfulRunsHistoryLimit: rarely(0, 1),
    failedRunsHistoryLimit: rarely(0),
    rollout: fc
      .record({
        parallelism: fc.constantFrom<number | string>('100%', '100%', 1, 2),
        perRegistry: rarely(1, 2),
        canary: rarely(1),
        failurePolicy: rarely('FailFast'),
        restartLimit: rarely(0, 1),
      })
      .map(withoutGaps),
  })
  .map((drawn) => withoutGaps(drawn) as Fields);

/** The same fields in every history, the shortest first, since to parse a document takes long. */
const allFields = fc
  .sample(fields, { numRuns: 300, seed: 1 })
  .sort((a, b) => JSON.stringify(a).length - JSON.stringify(b).length);
const listPolicy: fc.Arbitrary<ListPolicy> = fc.record({
  lists: fc.array(list, { minLength: 1, maxLength: 3 }),
  fields: fc.nat(allFields.length - 1).map((index) => allFields[index] ?? { schedule: '*/5 * * * *' }),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({ step: fc.constant('Wait'), seconds: fc.constantFrom(1, 4, 10, 35, 60, 120, 300) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      step: fc.constant('Apply'),
      policy,
      as: fc.option(listPolicy, { nil: undefined, freq: 6 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ step: fc.constantFrom('Suspend', 'Resume', 'Delete', 'Run', 'Run', 'Purge'), policy }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('Sweep') }) },
  {
    weight: 4,
    arbitrary: fc.record({
      step: fc.constant('Node'),
      node,
      change: fc.constantFrom<NodeChange>(
        'Removed',
        'Returned',
        'Replaced',
        'NotReady',
        'Ready',
        'Cordoned',
        'Uncordoned',
        'Tainted',
        'Untainted',
        'x',
        'y',
        'x',
        'y',
      ),
    }),
  },
  { weight: 3, arbitrary: fc.record({ step: fc.constant('Fate'), node, fate: fc.constantFrom(...fates) }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('DeletePods'), node }) },
  {
    weight: 4,
    arbitrary: fc.record({
      step: fc.constant('Registry'),
      image,
      answer: fc.constantFrom<Answer>('Image', 'Image', 'Throttled', 'Hangs', ...refusals),
    }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('Move'), image }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constantFrom('Lose', 'Use', 'Release'), node, image }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constantFrom('Fill', 'Drain'), node }) },
  ...disturbances,
) as fc.Arbitrary<Step>;

export const listHistory: fc.Arbitrary<ListHistory> = fc.record({
  replicas: fc.constantFrom(1, 2),
  paces,
  nodes: fc.constantFrom(1, 2, 2, 3, 0),
  policy: listPolicy,
  steps: fc.array(step, { maxLength: 20 }),
});
