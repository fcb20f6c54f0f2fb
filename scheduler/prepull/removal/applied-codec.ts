import { gunzipSync, gzipSync } from 'node:zlib';
import * as z from 'zod';
import { messageOf } from '../../../contract/errors.ts';
import type { Applied, AppliedNode } from './applied.ts';

/** Stored images of nodes that can't be read. They must not count as none, so nothing may be removed or written over. */
export class AppliedError extends Error {
  override readonly name = 'AppliedError';
}

/** Images of nodes in the data of a ConfigMap, and the nodes that are missing there because they did not fit. */
export interface EncodedApplied {
  readonly data: Readonly<Record<string, string>>;
  readonly omittedNodes: readonly string[];
}

/** Up to this length the text is stored as it is, so that `kubectl` shows it. */
const maxPlainLength = 100_000;
/** The maximum length in the ConfigMap, which has at most 1 MiB with the lists themselves. */
const maxLength = 600_000;
/** The maximum length of the unpacked text. A longer one is damaged. */
const maxUnpackedBytes = 256 * 1024 * 1024;

/** Nodes mostly have the same images, so these are stored once for each different set. */
const storedSchema = z.strictObject({
  version: z.literal(1),
  references: z.array(z.string()),
  sets: z.array(
    z.strictObject({
      indexes: z.array(z.int().nonnegative()),
      /** Digests that tags have had. */
      versions: z.array(z.int().nonnegative()).optional(),
      nodes: z.array(z.string()),
    }),
  ),
  setAside: z
    .array(
      z.strictObject({ until: z.iso.datetime(), indexes: z.array(z.int().nonnegative()), nodes: z.array(z.string()) }),
    )
    .default([]),
  missing: z.record(z.string(), z.iso.datetime()).default({}),
  machines: z.record(z.string(), z.string()).default({}),
});

type Stored = z.input<typeof storedSchema>;

/**
 * Writes images of nodes in few bytes. If they don't fit, it omits nodes: first those that are missing in the cluster. The
 * images of an omitted node are not removed, so a cut never removes anything.
 */
export function encodeApplied(applied: Applied, limit = maxLength): EncodedApplied {
  const nodes = [...applied].toSorted(presentFirst);
  let count = nodes.length;
  let data = pack(nodes);
  while (count > 0 && lengthOf(data) > limit) {
    count = Math.floor(count * Math.min(0.9, limit / lengthOf(data)));
    data = pack(nodes.slice(0, count));
  }
  return { data, omittedNodes: nodes.slice(count).map(([name]) => name) };
}

/** Reads images of nodes; none if nothing is stored. Throws an {@link AppliedError} if they are damaged. */
export function decodeApplied(data: Readonly<Record<string, string>>): Applied {
  const { 'applied.json': plain, 'applied.json.gz': packed } = data;
  if (plain === undefined && packed === undefined) return new Map();
  try {
    return restore(storedSchema.parse(JSON.parse(plain ?? unpack(packed ?? ''))));
  } catch (cause) {
    throw new AppliedError(`the images applied to nodes can't be read: ${messageOf(cause)}`, { cause });
  }
}

function pack(nodes: readonly (readonly [string, AppliedNode])[]): Readonly<Record<string, string>> {
  const json = JSON.stringify(store(nodes));
  if (json.length <= maxPlainLength) return { 'applied.json': json };
  return { 'applied.json.gz': gzipSync(json).toString('base64') };
}

function unpack(packed: string): string {
  return gunzipSync(Buffer.from(packed, 'base64'), { maxOutputLength: maxUnpackedBytes }).toString();
}

function store(nodes: readonly (readonly [string, AppliedNode])[]): Stored {
  const references = [...new Set(nodes.flatMap(([, node]) => allOf(node)))].sort();
  const indexes = new Map(references.map((reference, index) => [reference, index]));
  const indexesOf = (list: readonly string[]) => list.map((reference) => indexes.get(reference) ?? Number.NaN);
  const setOf = (node: AppliedNode) => ({
    indexes: indexesOf(node.references),
    ...(node.versions && { versions: indexesOf(node.versions) }),
  });
  const sets = Map.groupBy(nodes, ([, node]) => JSON.stringify(setOf(node)));
  const missing = nodes.flatMap(([name, { missingSince }]) =>
    missingSince === undefined ? [] : [[name, missingSince.toISOString()] as const],
  );
  const machines = nodes.flatMap(([name, { machine }]) => (machine === undefined ? [] : [[name, machine] as const]));
  return {
    version: 1,
    references,
    ...storeSetAside(nodes, indexesOf),
    sets: [...sets].map(([set, group]) => ({ ...JSON.parse(set), nodes: group.map(([name]) => name) })),
    ...(missing.length > 0 && { missing: Object.fromEntries(missing) }),
    ...(machines.length > 0 && { machines: Object.fromEntries(machines) }),
  };
}

function allOf({ references, versions = [], setAside }: AppliedNode): readonly string[] {
  return [...references, ...versions, ...(setAside?.references ?? [])];
}

function storeSetAside(
  nodes: readonly (readonly [string, AppliedNode])[],
  indexesOf: (list: readonly string[]) => number[],
): Pick<Stored, 'setAside'> {
  const entries = nodes.flatMap(([name, { setAside }]) => {
    if (setAside === undefined) return [];
    return [{ name, key: JSON.stringify({ until: setAside.until, indexes: indexesOf(setAside.references) }) }];
  });
  if (entries.length === 0) return {};
  const groups = [...Map.groupBy(entries, ({ key }) => key)];
  return { setAside: groups.map(([key, group]) => ({ ...JSON.parse(key), nodes: group.map(({ name }) => name) })) };
}

function restoreSetAside({ references, setAside }: z.output<typeof storedSchema>) {
  return new Map(
    setAside.flatMap(({ until, indexes, nodes }) => {
      const entry = { until: new Date(until), references: indexes.map((index) => referenceAt(references, index)) };
      return nodes.map((name) => [name, entry] as const);
    }),
  );
}

function restore(stored: z.output<typeof storedSchema>): Applied {
  const { references, sets, missing, machines } = stored;
  const waiting = restoreSetAside(stored);
  const since = new Map(Object.entries(missing));
  const machineOf = new Map(Object.entries(machines));
  return new Map(
    sets.flatMap(({ indexes, versions, nodes }) => {
      const found = {
        references: indexes.map((index) => referenceAt(references, index)),
        ...(versions && { versions: versions.map((index) => referenceAt(references, index)) }),
      };
      return nodes.map((name): [string, AppliedNode] => {
        const missingSince = since.get(name);
        const setAside = waiting.get(name);
        const machine = machineOf.get(name);
        return [
          name,
          {
            ...found,
            ...(setAside && { setAside }),
            ...(machine && { machine }),
            ...(missingSince && { missingSince: new Date(missingSince) }),
          },
        ];
      });
    }),
  );
}

function referenceAt(references: readonly string[], index: number): string {
  const reference = references[index];
  if (reference === undefined) throw new Error(`there is no reference ${index}`);
  return reference;
}

function presentFirst([one, a]: readonly [string, AppliedNode], [other, b]: readonly [string, AppliedNode]): number {
  const [since, otherSince] = [a, b].map(({ missingSince }) => missingSince?.getTime() ?? Number.POSITIVE_INFINITY);
  return (otherSince ?? 0) - (since ?? 0) || (one < other ? -1 : 1);
}

function lengthOf(data: Readonly<Record<string, string>>): number {
  return Object.values(data).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}
