import fc from 'fast-check';
import type { Image } from '../../cleaner/runtime/runtime.ts';
import type { FoundSet } from '../../cleaner/sets/found-set.ts';
import { dayMs, now } from './inventory.ts';

/** A line of a set, and the images that it names. The answer is told without the code that reads sets. */
export type GeneratedLine = {
  readonly text: string;
  /** With `protects`, the line is of a set that excludes. */
  readonly names: (image: Image, protects: boolean) => boolean;
};

export type SetState = 'Readable' | 'Missing' | 'Broken' | 'Stale' | 'Timeless' | 'Future';

/** An image set, as nobody would think of it. */
export type GeneratedSet = {
  readonly name: string;
  readonly state: SetState;
  readonly lines: readonly GeneratedLine[];
};

export const setNames = ['one', 'two', 'three', 'constructor'] as const;
export const maxSetAge = '1d';

const noOne = () => false;
const hasName = (name: string) => (image: Image) => image.names.includes(name);
/** A tag without a registry is one of docker.io. A set that excludes means it in any registry. */
const shortTag = (full: string, path: string) => (image: Image, protects: boolean) =>
  image.names.some((name) => name === full || (protects && name.slice(name.indexOf('/')) === path));

const wholeLines: readonly GeneratedLine[] = [
  { text: '**', names: () => true },
  {
    text: 'docker.io/library/*  # by a scanner',
    names: ({ names }) => names.some((name) => name.startsWith('docker.io/library/')),
  },
  { text: '**:2 is old', names: ({ names }) => names.some((name) => name.endsWith(':2')) },
  { text: 'web:1', names: shortTag('docker.io/library/web:1', '/library/web:1') },
  { text: 'team/app:1 # CVE-2026-1', names: shortTag('docker.io/team/app:1', '/team/app:1') },
];
/** Lines that name nothing: comments, mistakes, and images that are nowhere. */
const emptyLines: readonly GeneratedLine[] = [
  '',
  '# web:1',
  'Not:An:Image',
  'sha256:12',
  'docker.io/library/web:1 docker.io/library/web:2',
  'quay.io/absent:1',
  `sha256:${'0'.repeat(64)}`,
].map((text) => ({ text, names: noOne }));

/** Any sets about the images of a node, one for each of the {@link setNames}. */
export function generateSets(images: readonly Image[]): fc.Arbitrary<readonly GeneratedSet[]> {
  const exact = images.flatMap(({ id, names }) => [
    ...names.map((name): GeneratedLine => ({ text: `${name} # named`, names: hasName(name) })),
    { text: id, names: (image: Image) => image.id === id },
    ...names
      .filter((name) => name.includes('@'))
      .map(
        (name): GeneratedLine => ({
          text: name.slice(name.indexOf('@') + 1),
          names: hasName(name),
        }),
      ),
  ]);
  const line = fc.oneof(...[exact, wholeLines, emptyLines].map((lines) => fc.constantFrom(...lines)));
  const state = fc.constantFrom<SetState>(
    ...Array<SetState>(12).fill('Readable'),
    'Missing',
    'Broken',
    'Stale',
    'Timeless',
    'Future',
  );
  const set = fc.record({ state, lines: fc.array(line, { maxLength: 5 }) });
  return fc
    .tuple(...setNames.map(() => set))
    .map((sets) => sets.map((one, index) => ({ name: setNames[index] ?? '', ...one })));
}

/** The sets as the cleaner finds them. A set in two keys is the same as in one. */
export function toFound(sets: readonly GeneratedSet[]): readonly FoundSet[] {
  return sets.flatMap(({ name, state, lines }): readonly FoundSet[] => {
    if (state === 'Missing') return [];
    if (state === 'Broken') return [{ name, problem: 'its key list is not UTF-8 text' }];
    const half = Math.floor(lines.length / 2);
    const texts = [lines.slice(0, half), lines.slice(half)].map((part, index) => ({
      key: `list-${index}`,
      text: part.map(({ text }) => text).join('\n'),
    }));
    return [{ name, texts }];
  });
}

/** The times of the sets as the scheduler tells them. */
export function timesOf(sets: readonly GeneratedSet[]): Record<string, string> {
  const ages: Partial<Record<SetState, number>> = { Readable: dayMs / 2, Stale: 2 * dayMs, Future: -2 * dayMs };
  return Object.fromEntries(
    sets.flatMap(({ name, state }) => {
      const age = ages[state];
      return age === undefined ? [] : [[name, new Date(now - age).toISOString()]];
    }),
  );
}

export function isReadable({ state }: GeneratedSet): boolean {
  return state === 'Readable';
}

/** True if a set that can be read names an image. */
export function isNamedBy(set: GeneratedSet, image: Image, protects = false): boolean {
  return isReadable(set) && set.lines.some(({ names }) => names(image, protects));
}
