import type { Answers } from './replay.ts';

/** The facts of a node, whatever is said of it. */
export type Truth = {
  readonly images: readonly { readonly id: string; readonly pinned: boolean }[];
  readonly containers: readonly {
    readonly id: string;
    readonly imageId: string;
    readonly imageMounts: readonly { readonly imageId: string }[];
  }[];
  readonly sandboxImage: string;
};

type Json = Readonly<Record<string, unknown>>;

/**
 * The images that must not go, by what is true on the node and still told in the answers, and why. What they don't tell any
 * more nobody can know: a container that is missing from the list, a mount that lost its image, a pin that became `false`, a
 * pause image that neither `info` nor a sandbox tells. An old crictl never tells of mounted images.
 */
export function findUntouchable({ images, containers, sandboxImage }: Truth, answers: Answers) {
  const told = textsUnder(answers.ps, /^image(Ref|Id)?$/);
  const listed = textsUnder(answers.ps, /^id$/);
  const mounted = mountsIn(answers.inspect).flatMap(({ image }) => objectsIn(image).map((spec) => bareId(spec.image)));
  const entriesOf = (id: string) => objectsIn(answers.images).filter((entry) => bareId(entry.id) === bareId(id));
  const namesOf = (id: string) => textsUnder(entriesOf(id), /^repo(Tags|Digests)$/);
  const isTold = (id: string) =>
    told.some((text) => bareId(text) === bareId(id)) ||
    namesOf(id).some((name) => name.includes('@') && told.some((text) => text.endsWith(name.replace(/^[^@]*/, ''))));
  const standOn = textsUnder(answers.inspectp, /^(image|io\.kubernetes\.cri-o\.Image(Name)?)$/);
  const isPauseTold = readSandboxImage(answers) === sandboxImage || standOn.includes(sandboxImage);

  const untouchable = new Map<string, string>();
  for (const { id, imageId, imageMounts } of containers) {
    if (isTold(imageId)) untouchable.set(bareId(imageId), 'used');
    for (const mount of listed.includes(id) ? imageMounts : []) {
      if (mounted.includes(bareId(mount.imageId))) untouchable.set(bareId(mount.imageId), 'mounted');
    }
  }
  for (const { id, pinned } of images) {
    if (pinned && entriesOf(id).some((entry) => entry.pinned === true)) untouchable.set(bareId(id), 'pinned');
    if (isPauseTold && namesOf(id).includes(sandboxImage)) untouchable.set(bareId(id), 'the pause image');
  }
  return untouchable;
}

export function bareId(id: unknown): string {
  return String(id).replace(/^sha256:/, '');
}

function readSandboxImage({ info }: Answers): unknown {
  const [document] = info.flatMap(objectsIn);
  return objectsIn(document?.config)[0]?.sandboxImage;
}

function mountsIn(details: unknown): readonly Json[] {
  return objectsIn(details).flatMap(({ mounts }) => (Array.isArray(mounts) ? mounts.flatMap(objectsIn) : []));
}

/** An object and all objects in it, outer ones first. */
function objectsIn(value: unknown): readonly Json[] {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.values(value).flatMap(objectsIn);
  return Array.isArray(value) ? inner : [{ ...value }, ...inner];
}

/** The texts that stand directly, or in a list, under a key. */
function textsUnder(value: unknown, key: RegExp): readonly string[] {
  return objectsIn(value).flatMap((object) =>
    Object.entries(object)
      .filter(([name]) => key.test(name))
      .flatMap(([, inner]) => (Array.isArray(inner) ? inner : [inner]))
      .filter((text): text is string => typeof text === 'string'),
  );
}
