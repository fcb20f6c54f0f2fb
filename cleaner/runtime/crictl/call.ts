import type { CrictlCall } from './process.ts';

export type CrictlOptions = {
  /** Path or name of the executable. */
  readonly executable: string;
  /** Such as `unix:///run/containerd/containerd.sock`; crictl looks for one by itself where it is missing. */
  readonly endpoint?: string | undefined;
  /** The time that crictl may take for each call of the runtime that reads; the default is 30 s. */
  readonly readSeconds?: number;
  /** The most time that a list may get, which is asked for again with more time if it takes long; four times as much. */
  readonly maxReadSeconds?: number | undefined;
  /** The same for each removal, which under load takes far longer than crictl's own default of 2 s; 600 s. */
  readonly removeSeconds?: number;
  /** The further time that the process may live: crictl gives up by itself, and is ended only if it doesn't; 5 s. */
  readonly graceSeconds?: number;
  /** Ends calls that read, when nobody waits for them any more. */
  readonly signal?: AbortSignal;
};

/** The arguments of the calls that list what is on a node. */
export const lists = {
  images: ['images', '-o', 'json'],
  containers: ['ps', '-a', '-o', 'json'],
  filesystems: ['imagefsinfo', '-o', 'json'],
} as const;

export const defaultReadSeconds = 30;

/** A call that only reads. */
export function prepareReading(options: CrictlOptions): CrictlCall {
  const { readSeconds = defaultReadSeconds, signal } = options;
  return { ...prepareCall(options, readSeconds), ...(signal && { signal }) };
}

/** A call that removes. Nothing ends it but its deadline. */
export function prepareRemoving(options: CrictlOptions): CrictlCall {
  return prepareCall(options, options.removeSeconds ?? 600);
}

function prepareCall({ executable, endpoint, graceSeconds = 5 }: CrictlOptions, seconds: number): CrictlCall {
  const address = endpoint?.startsWith('/') ? `unix://${endpoint}` : endpoint;
  const endpoints = address ? ['-r', address, '-i', address] : [];
  return { executable, global: ['-t', `${seconds}s`, ...endpoints], deadlineSeconds: seconds + graceSeconds };
}
