import { createHash } from 'node:crypto';
import { type History, type ImageRecord, updateHistory } from '../../cleaner/history/history.ts';
import type { RunHistory } from '../../cleaner/history/run-history.ts';
import type { Facts } from '../../cleaner/plan/keep-rules.ts';
import type { Removal } from '../../cleaner/plan/removal-order.ts';
import type { Inventory } from '../../cleaner/runtime/inventory.ts';
import type { Container, ContainerDetails, Image, Runtime } from '../../cleaner/runtime/runtime.ts';
import { compileSets } from '../../cleaner/sets/policy-sets.ts';
import { normaliseNames } from '../../contract/images/reference.ts';
import { type Job, type JobDocument, jobSchema } from '../../contract/job.ts';

export const minuteMs = 60_000;
export const dayMs = 24 * 60 * minuteMs;
/** The time of a run in tests: nothing reads a clock. */
export const now = Date.UTC(2026, 0, 31);

/** An image with these names (none gives a nameless one); its ID follows from the first, or from `fields`. */
export function buildImage(names: string | readonly string[], fields: Partial<Image> = {}): Image {
  const all = typeof names === 'string' ? [names] : names;
  return {
    id: `sha256:${createHash('sha256').update(all.join()).digest('hex')}`,
    names: normaliseNames(all),
    sizeBytes: 100,
    pinned: false,
    ...fields,
  };
}

/** A container that the runtime resolved to this image. */
export function buildContainer(image: Image, fields: Partial<Container> = {}): Container {
  return { id: `container-of-${image.id}`, name: 'default/web/main', imageId: image.id, references: [], ...fields };
}

/** Images of tests have tags alone, so what no registry gave may go unless `fields` say otherwise. */
export function buildJob(fields: Partial<JobDocument> = {}): Job {
  const images = { keepSideLoaded: false, ...fields.images };
  return jobSchema.parse({ version: 1, policy: 'nightly', run: 'nightly-1', ...fields, images });
}

export function buildInventory(fields: Partial<Inventory> = {}): Inventory {
  return {
    images: [],
    inUse: new Map(),
    finishedAt: new Map(),
    remarks: [],
    sandboxReferences: [],
    details: new Map(),
    ...fields,
  };
}

/** A history that began long ago, so that only the records matter. */
export function buildHistory(records: Readonly<Record<string, ImageRecord>> = {}): History {
  return { startedAt: 0, lookedAt: 0, isClockSteady: true, images: new Map(Object.entries(records)) };
}

/** A history in memory, which keeps nothing of a run; without records it is that of a first run. */
export function buildRunHistory(history: History | undefined): RunHistory {
  return {
    recall: async (usage) => ({ history: updateHistory(history, usage, now), now }),
    forget: async () => {},
    settle: async () => {},
  };
}

/** The images that containers use, as an inventory has them. */
export function buildInUse(...images: readonly Image[]): Inventory['inUse'] {
  return new Map(images.map(({ id }) => [id, ['default/web/main']]));
}

/** A removal of a plan without thresholds. */
export function buildRemoval(image: Image, fields: Partial<Removal> = {}): Removal {
  return { image, always: true, freesBytes: image.sizeBytes, ...fields };
}

export type FactFields = Partial<Omit<Facts, 'job' | 'inventory'>> & {
  readonly job?: Partial<JobDocument>;
  readonly inventory?: Partial<Inventory>;
};

/** Facts of a node. Image sets that the job names can't be read, unless `fields` have them. */
export function buildFacts({ job: document, inventory, ...fields }: FactFields = {}): Facts {
  const job = buildJob(document);
  return {
    job,
    sets: compileSets(job, [], now),
    inventory: buildInventory(inventory),
    history: buildHistory(),
    ownReferences: [],
    diskUsage: undefined,
    now,
    ...fields,
  };
}

/** A runtime in memory; what a test needs to be different, it overrides. */
export type FakeRuntime = Runtime & {
  images: readonly Image[];
  containers: readonly Container[];
  details: readonly ContainerDetails[];
  /** The IDs of every request to remove. */
  readonly requests: (readonly string[])[];
};

export function buildRuntime(fields: Partial<FakeRuntime> = {}): FakeRuntime {
  const runtime: FakeRuntime = {
    images: [],
    containers: [],
    details: [],
    requests: [],
    listImages: async () => runtime.images,
    listContainers: async () => runtime.containers,
    inspectContainers: async (ids) =>
      ids.map((id) => runtime.details.find((detail) => detail.id === id) ?? { id, mountedImages: [] }),
    countReadySandboxes: async () => 0,
    getSandboxImages: async () => [],
    inspectImages: async (ids) => ids.map((id) => ({ id })),
    getImageFilesystems: async () => ['/var/lib/containerd'],
    removeImages: async (ids) => {
      runtime.requests.push(ids);
      runtime.images = runtime.images.filter(({ id }) => !ids.includes(id));
      return { timedOut: false, complaints: [] };
    },
    ...fields,
  };
  return runtime;
}
