import type { Judge } from '../plan/judge.ts';
import type { Plan } from '../plan/plan.ts';
import type { Removal } from '../plan/removal-order.ts';
import type { Look, ReadLook } from '../runtime/inventory.ts';
import type { Image, Runtime } from '../runtime/runtime.ts';
import { firstBatchSize } from './batch-size.ts';
import type { Landmarks } from './lost-images.ts';
import type { Space } from './space-freed.ts';
import type { Throttle } from './throttle.ts';
import type { Outcome, RemovalResult } from './verify.ts';
import type { SettlePorts } from './wait-for-space.ts';

export type RemovalPorts = SettlePorts & {
  readonly runtime: Pick<Runtime, 'removeImages' | 'listImages'>;
  readonly readLook: ReadLook;
  /** Landmarks of the look on which the plan is based. */
  readonly landmarks: Landmarks;
  /** Creates a judge of images by all keep rules. It gets every look, in order. */
  readonly judgeOn: (look: Look) => Judge;
  /** Returns true if an image may lose its names one by one. */
  readonly mayLoseAllNames: (image: Image) => boolean;
  /** The account of freed space; undefined if the disk can't be measured, so that thresholds remove nothing. */
  readonly space: Space | undefined;
  /** Called before each batch. */
  readonly throttle: Throttle;
  /** Aborted some time after a stop. Then the current removal, or the current look, is given up. */
  readonly giveUp: { readonly removal: AbortSignal; readonly look: AbortSignal };
  /** Called with the result of each image as soon as it is known. */
  readonly onResult: (result: RemovalResult) => void;
};

/** A removal to try, with the outcome of the first attempt if there was one. */
export type Task = { readonly removal: Removal; readonly earlier?: Outcome };

/** A task after a look. Without `kept`, an image that is undefined was removed by another process. */
export type JudgedTask = { readonly task: Task; readonly image?: Image; readonly kept?: Outcome };

/** The state of a run before a batch. */
export type Progress = {
  queue: readonly Task[];
  batchSize: number;
  /** The number of images that are or may be gone, and the sum of their sizes. */
  removed: number;
  removedBytes: number;
  /** The look after the previous batch; undefined if there is none, or if it must be repeated. */
  look: Look | undefined;
  /** Landmarks of the last look that was plausible. */
  landmarks: Landmarks;
  /** IDs of the images whose removal was requested since that look. */
  asked: readonly string[];
  /** The number of consecutive batches, up to the last one, for which the runtime gave no answer. */
  silentBatches: number;
};

/** The state before the first batch. */
export function begin({ removals }: Plan, { landmarks }: RemovalPorts): Progress {
  return {
    queue: removals.map((removal) => ({ removal })),
    batchSize: firstBatchSize,
    removed: 0,
    removedBytes: 0,
    look: undefined,
    landmarks,
    asked: [],
    silentBatches: 0,
  };
}
