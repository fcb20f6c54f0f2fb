import { createHash } from 'node:crypto';
import fc from 'fast-check';
import type { History, ImageRecord } from '../../cleaner/history/history.ts';
import type { Container, ContainerDetails, Image, ImageDetails } from '../../cleaner/runtime/runtime.ts';
import { normaliseNames } from '../../contract/images/reference.ts';
import { buildRuntime, dayMs, type FakeRuntime, now } from './inventory.ts';

/** A node as nobody would think of it, and what is so there. */
export type GeneratedNode = {
  readonly images: readonly Image[];
  readonly containers: readonly Container[];
  readonly details: readonly ContainerDetails[];
  readonly imageDetails: readonly ImageDetails[];
  readonly sandboxImage: string | undefined;
  readonly history: History | undefined;
  /** IDs of the images that a container runs on, refers to or mounts. */
  readonly used: ReadonlySet<string>;
};

/** Each is the tag of one image at most: another one may have had it before. */
export const tags = [
  'docker.io/library/web:1',
  'docker.io/library/web:2',
  'registry.example.com:5000/team/app:1',
  'registry.example.com:5000/team/app:2',
  'registry.example.com:5000/team/base:1',
  'registry.k8s.io/pause:3.10',
] as const;

const maxImages = 10;
/** True one time in so many, for what would else leave little to decide. */
const seldom = (times: number) => fc.nat(times - 1).map((drawn) => drawn === 0);

/** Any node on which everything can be understood. */
export function generateNode(): fc.Arbitrary<GeneratedNode> {
  return fc
    .record({
      isPrefixed: fc.boolean(),
      owners: fc.tuple(...tags.map(() => fc.option(fc.nat(maxImages - 1)))),
      images: fc.array(generateImage(), { minLength: 3, maxLength: maxImages }),
      containers: fc.array(generateContainer(), { maxLength: 4 }),
      sandboxTag: fc.option(fc.constantFrom(...tags), { nil: undefined }),
      hasHistory: fc.boolean(),
    })
    .map(assemble);
}

/** A runtime in memory with all that is on the node. */
export function startRuntime(node: GeneratedNode): FakeRuntime {
  const { images, containers, details, imageDetails, sandboxImage } = node;
  return buildRuntime({
    images,
    containers,
    details,
    getSandboxImages: async () => (sandboxImage === undefined ? [] : [sandboxImage]),
    inspectImages: async (ids) => imageDetails.filter(({ id }) => ids.includes(id)),
  });
}

type Draft = {
  readonly isPrefixed: boolean;
  readonly owners: readonly (number | null)[];
  readonly images: readonly ImageDraft[];
  readonly containers: readonly ContainerDraft[];
  readonly sandboxTag: string | undefined;
  readonly hasHistory: boolean;
};

type ImageDraft = {
  readonly hasDigest: boolean;
  readonly sizeBytes: number;
  readonly pinned: boolean;
  readonly firstSeen: number;
  readonly lastUsed: number | undefined;
  readonly builtAt: number | undefined;
  readonly isDamaged: boolean;
};

function generateImage(): fc.Arbitrary<ImageDraft> {
  const time = fc.integer({ min: now - 30 * dayMs, max: now });
  return fc.record({
    hasDigest: fc.boolean(),
    sizeBytes: fc.integer({ min: 1, max: 500 }),
    pinned: seldom(6),
    firstSeen: time,
    lastUsed: fc.option(time, { nil: undefined }),
    builtAt: fc.option(time, { nil: undefined }),
    isDamaged: seldom(6),
  });
}

type ContainerDraft = {
  readonly image: number;
  readonly tells: 'imageId' | 'id' | 'digest' | 'tag';
  readonly hasPrefix: boolean;
  /** A tag that it tells besides, which may be that of another image by now. */
  readonly tag: string | undefined;
  readonly mounts: readonly number[];
  readonly finishedAt: number | undefined;
};

function generateContainer(): fc.Arbitrary<ContainerDraft> {
  return fc.record({
    image: fc.nat(maxImages - 1),
    tells: fc.constantFrom('imageId', 'id', 'digest', 'tag'),
    hasPrefix: fc.boolean(),
    tag: fc.option(fc.constantFrom(...tags), { nil: undefined }),
    mounts: fc.array(fc.nat(maxImages - 1), { maxLength: 1 }),
    finishedAt: fc.option(fc.integer({ min: now - dayMs, max: now }), { nil: undefined }),
  });
}

/** An image with what it is called, apart from the way its ID is written. */
type DrawnImage = ImageDraft & {
  readonly hex: string;
  readonly id: string;
  readonly tags: readonly string[];
  readonly digest: string;
};

function assemble({ isPrefixed, owners, images, containers, sandboxTag, hasHistory }: Draft): GeneratedNode {
  const owner = (tag: (typeof tags)[number]) => owners[tags.indexOf(tag)] ?? undefined;
  const drawn = images.map((draft, index): DrawnImage => {
    const hex = hash(`image ${index}`);
    return {
      ...draft,
      hex,
      id: isPrefixed ? `sha256:${hex}` : hex,
      tags: tags.filter((tag) => (owner(tag) ?? -1) % images.length === index),
      digest: `docker.io/library/web@sha256:${hash(`manifest ${index}`)}`,
    };
  });
  const started = containers.map((draft, index) => start(draft, `c${index}`, drawn));
  return {
    images: drawn.map(toImage),
    containers: started.map(({ container }) => container),
    details: started.map(({ detail }) => detail),
    imageDetails: drawn
      .filter(({ isDamaged }) => !isDamaged)
      .map(({ id, builtAt }) => ({ id, ...(builtAt !== undefined && { builtAt }) })),
    sandboxImage: sandboxTag,
    history: hasHistory ? recall(drawn) : undefined,
    used: new Set(started.flatMap(({ uses }) => uses.map(({ id }) => id))),
  };
}

function toImage({ id, tags, digest, hasDigest, sizeBytes, pinned }: DrawnImage): Image {
  return { id, names: normaliseNames([...tags, ...(hasDigest ? [digest] : [])]), sizeBytes, pinned };
}

/** A container of an image, which tells it in one way for sure, and a tag besides that another may have by now. */
function start(draft: ContainerDraft, id: string, images: readonly DrawnImage[]) {
  const image = pick(images, draft.image);
  const imageId = draft.hasPrefix ? `sha256:${image.hex}` : image.hex;
  const [ownTag] = image.tags;
  const sure = {
    imageId,
    id: imageId,
    digest: image.hasDigest ? image.digest : imageId,
    tag: ownTag ?? imageId,
  }[draft.tells];
  // If a tag is all it tells, a second one would make it two images at once.
  const besides = draft.tag === undefined || sure === ownTag ? [] : [draft.tag];
  const mounted = draft.mounts.map((index) => pick(images, index));
  const container: Container = {
    id,
    name: `default/${id}`,
    references: [...(draft.tells === 'imageId' ? [] : [sure]), ...besides],
    ...(draft.tells === 'imageId' && { imageId }),
  };
  const detail: ContainerDetails = {
    id,
    mountedImages: mounted.map((mount) => mount.id),
    ...(draft.finishedAt !== undefined && { finishedAt: draft.finishedAt }),
  };
  const called = images.filter((one) => besides.some((tag) => one.tags.includes(tag)));
  return { container, detail, uses: [image, ...called, ...mounted] };
}

function recall(images: readonly DrawnImage[]): History {
  const records = images.map(({ id, firstSeen, lastUsed }): [string, ImageRecord] => [
    id,
    { firstSeen, ...(lastUsed !== undefined && { lastUsed }) },
  ]);
  return { startedAt: now - 30 * dayMs, lookedAt: now - 1, isClockSteady: true, images: new Map(records) };
}

function pick<T>(all: readonly T[], index: number): T {
  const found = all[index % all.length];
  if (found === undefined) throw new Error('there is nothing to pick from');
  return found;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
