import * as z from 'zod';
import type { RunKind } from './kind.ts';
import {
  backingOff,
  continuing,
  type NodeProgress,
  refused,
  reserved,
  settled,
  started,
  type Tries,
  waiting,
} from './progress.ts';

const count = z.int().nonnegative();

/** A node in a record. It is as short as possible, because a record holds one for each node. */
const storedSchema = z.strictObject({
  attempts: count,
  rejections: count.optional(),
  parts: count.optional(),
  memory: z.unknown().optional(),
  /** The newest pod did its part. The next one follows, at `retryAt` if `starting` is not set. */
  continuing: z.literal(true).optional(),
  /** The record has the next pod; with `retryAt`, the pod could not be created. */
  starting: z.literal(true).optional(),
  result: z.enum(['Succeeded', 'Failed', 'Skipped']).optional(),
  reason: z.string().optional(),
  message: z.string().optional(),
  retryAt: z.number().optional(),
  tally: z.unknown().optional(),
});

export type StoredProgress = z.input<typeof storedSchema>;

/** Reads a node of a record. A result has priority over the other fields. */
export function decodeProgress(kind: RunKind, stored: unknown): NodeProgress {
  const { starting, result, reason, message, retryAt, tally, ...others } = storedSchema.parse(stored);
  const tries = decodeTries(kind, others);
  const { attempts } = tries;
  if (result !== undefined) {
    const figures = tally === undefined ? undefined : kind.decodeTally(tally);
    return settled(tries, result, { reason, message, tally: figures });
  }
  // A node without a pod waits only because no pod could be created.
  const isRefused = starting === true || attempts === 0;
  const cause = { reason: reason ?? 'Unknown', message };
  if (retryAt !== undefined && others.continuing === true && !isRefused) return continuing(tries, retryAt);
  if (retryAt !== undefined) return isRefused ? refused(tries, cause, retryAt) : backingOff(tries, cause, retryAt);
  if (starting === true) return reserved(tries, reason === undefined ? undefined : cause);
  return attempts === 0 ? waiting : started(tries, attempts - 1);
}

function decodeTries(
  kind: RunKind,
  { attempts, rejections = 0, parts = 0, continuing, memory }: z.output<typeof storedSchema>,
): Tries {
  return {
    attempts,
    rejections,
    parts,
    ...(continuing && { isPartDone: true }),
    ...(memory !== undefined && { memory: kind.decodeMemory(memory) }),
  };
}

/** Writes a node of a record. */
export function encodeProgress(kind: RunKind, progress: NodeProgress): StoredProgress {
  const tries = encodeTries(kind, progress);
  switch (progress.state) {
    case 'Waiting':
    case 'Started':
      return tries;
    case 'Reserved':
      return { ...tries, starting: true, ...progress.trouble };
    case 'Refused':
      return { ...tries, starting: true, ...pauseOf(progress) };
    case 'Continuing':
      return { ...tries, retryAt: progress.retryAt };
    case 'BackingOff':
      return { ...tries, ...pauseOf(progress) };
    case 'Settled': {
      const { result, reason, message, tally } = progress;
      const figures = tally === undefined ? undefined : kind.encodeTally(tally);
      return { ...tries, result, reason, message, tally: figures };
    }
    default:
      return progress satisfies never;
  }
}

function encodeTries(kind: RunKind, { attempts, rejections, parts, isPartDone, memory }: Tries): StoredProgress {
  return {
    attempts,
    ...(rejections > 0 && { rejections }),
    ...(parts > 0 && { parts }),
    ...(isPartDone && { continuing: true }),
    ...(memory !== undefined && { memory: kind.encodeMemory(memory) }),
  };
}

function pauseOf({ reason, message, retryAt }: Extract<NodeProgress, { retryAt: number; reason: string }>) {
  return { reason, message, retryAt };
}
