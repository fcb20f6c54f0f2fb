import { LineCounter } from 'yaml';
import { type EmbeddedText, YamlPlaces } from '../../yaml/places.ts';
import type { Place, Problem } from '../problem.ts';
import type { FilePolicy, ManifestPlace } from './policy-file.ts';

export type Severity = 'error' | 'warning';

/** A problem or a warning, and the policy or another manifest that has it. Without both, it is of the file. */
export interface Remark {
  readonly severity: Severity;
  readonly policy?: FilePolicy;
  readonly manifest?: ManifestPlace;
  readonly problem: Problem;
}

/** A problem or a warning with its place in the file. */
export interface Finding {
  readonly severity: Severity;
  /** The name of the policy. Absent if the finding is of the whole file, or the file is the policy. */
  readonly policy?: string;
  /** The field; empty for the whole text. */
  readonly path: string;
  readonly message: string;
  /** From 1 up, as the column, which counts UTF-16 code units. Absent if the finding has no place in the file. */
  readonly line?: number;
  readonly column?: number;
}

/** Formats a finding as one line, which editors and terminals take as a link: `policies.yaml:10:5: nightly/schedule: …`. */
export function formatFinding(file: string, finding: Finding): string {
  const { line, column, severity, message } = finding;
  const place = line === undefined ? file : `${file}:${line}:${column}`;
  const words = severity === 'warning' ? `warning: ${message}` : message;
  return [place, subjectOf(finding), words].filter(Boolean).join(': ');
}

/** The policy and the field of a finding: `nightly/schedule`; empty for the whole file. */
export function subjectOf({ policy, path }: Pick<Finding, 'policy' | 'path'>): string {
  return [policy, path].filter(Boolean).join('/');
}

/** Finds the places of remarks in the text of a file. */
export function findingsOf(text: string, remarks: readonly Remark[]): Finding[] {
  if (remarks.length === 0) return [];
  const locator = new Locator(text);
  return remarks.map(({ severity, policy, manifest = policy?.manifest, problem }) => {
    const offset = locator.offsetOf(manifest, problem);
    return {
      severity,
      ...(policy?.manifest && { policy: policy.name }),
      path: isPosition(problem) ? '' : problem.path,
      message: problem.message,
      ...(offset !== undefined && locator.positionOf(offset)),
    };
  });
}

/** True if the path of a problem is a position in its text, which the position in the file replaces. */
function isPosition({ place }: Problem): boolean {
  return place !== undefined && 'offset' in place;
}

/** The offsets in a file of the problems of its manifests. It parses each text once, when a problem is in it. */
class Locator {
  readonly #text: string;
  readonly #lines = new LineCounter();
  readonly #embedded = new Map<ManifestPlace, EmbeddedText | undefined>();
  readonly #inner = new Map<ManifestPlace, YamlPlaces>();
  #places: YamlPlaces | undefined;

  constructor(text: string) {
    this.#text = text;
    this.#lines.addNewLine(0);
    for (const { index } of text.matchAll(/\n/g)) this.#lines.addNewLine(index + 1);
  }

  positionOf(offset: number): { readonly line: number; readonly column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line, column: col };
  }

  /** Undefined for a problem of the whole file. */
  offsetOf(manifest: ManifestPlace | undefined, problem: Problem): number | undefined {
    const { path, place = placeOf(path) } = problem;
    if (manifest === undefined) return place && this.#offsetInFile(place);
    if (isOfManifest(problem)) return this.#offsetInManifest(manifest, keysOf(path));
    return this.#offsetInDocument(manifest, place ?? { keys: [] });
  }

  #offsetInFile(place: Place): number {
    return 'offset' in place ? place.offset : this.#filePlaces().offsetOf(place.keys, place.document);
  }

  #offsetInManifest({ document, keys }: ManifestPlace, inner: readonly PropertyKey[]): number {
    return this.#filePlaces().offsetOf([...keys, ...inner], document);
  }

  /** The offset of the key under `data`, if the document has no place of its own. */
  #offsetInDocument(manifest: ManifestPlace, place: Place): number {
    const { key } = manifest;
    const text = this.#textOf(manifest);
    const isWhole = 'keys' in place && place.keys.length === 0;
    if (text === undefined || isWhole) return this.#offsetInManifest(manifest, key === undefined ? [] : ['data', key]);
    if ('offset' in place) return text.offsetOf(place.offset);
    return text.offsetOf(this.#innerPlaces(manifest, text).offsetOf(place.keys));
  }

  #textOf(manifest: ManifestPlace): EmbeddedText | undefined {
    const { document, keys, key } = manifest;
    if (key === undefined) return undefined;
    if (!this.#embedded.has(manifest))
      this.#embedded.set(manifest, this.#filePlaces().textAt([...keys, 'data', key], document));
    return this.#embedded.get(manifest);
  }

  #innerPlaces(manifest: ManifestPlace, { text }: EmbeddedText): YamlPlaces {
    const places = this.#inner.get(manifest) ?? new YamlPlaces(text);
    this.#inner.set(manifest, places);
    return places;
  }

  #filePlaces(): YamlPlaces {
    this.#places ??= new YamlPlaces(this.#text);
    return this.#places;
  }
}

/** Problems of the ConfigMap itself have a path in it, and no place. */
function isOfManifest({ path, place }: Problem): boolean {
  return place === undefined && /^(?:metadata|data)(?:\.|$)/.test(path);
}

/** The place of a path that has no other; undefined for the whole text. Only labels have keys with dots, and these have a place. */
function placeOf(path: string): Place | undefined {
  return path === '' ? undefined : { keys: keysOf(path) };
}

/** The keys of a path. A key under `data` may have dots. */
function keysOf(path: string): PropertyKey[] {
  const [, dataKey] = /^data\.(.+)$/.exec(path) ?? [];
  if (dataKey !== undefined) return ['data', dataKey];
  return [...path.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([part, index]) => (index === undefined ? part : Number(index)));
}
