import { firstDeadline } from '../growing-deadline.ts';
import type { CrictlCall } from './process.ts';

export type CrictlOptions = {
  /** Path or name of the executable. */
  readonly executable: string;
  /** For example `unix:///run/containerd/containerd.sock`; without it crictl searches for a socket. */
  readonly endpoint?: string | undefined;
  /** The deadline of crictl for each call of the runtime that reads; 30 s. */
  readonly readSeconds?: number;
  /**
   * The longest deadline of a list, which is read again with more time if it takes long; four times `readSeconds`. A lower
   * value than `readSeconds` replaces it.
   */
  readonly maxReadSeconds?: number | undefined;
  /** The deadline for each removal, which under load takes far longer than crictl's own default of 2 s; 600 s. */
  readonly removeSeconds?: number;
  /** The time after the deadline until the process is ended, because crictl normally ends by itself; 5 s. */
  readonly graceSeconds?: number;
  /** Ends calls that read, when their answer is no longer needed. */
  readonly signal?: AbortSignal;
};

/** The arguments of the calls that list the images, containers and filesystems of a node. */
export const lists = {
  images: ['images', '-o', 'json'],
  containers: ['ps', '-a', '-o', 'json'],
  filesystems: ['imagefsinfo', '-o', 'json'],
} as const;

/** Prepares a call that only reads. */
export function prepareReading(options: CrictlOptions): CrictlCall {
  const { readSeconds, maxReadSeconds, signal } = options;
  return { ...prepareCall(options, firstDeadline(readSeconds, maxReadSeconds)), ...(signal && { signal }) };
}

/** Prepares a call that removes. Only its deadline ends it. */
export function prepareRemoving(options: CrictlOptions): CrictlCall {
  return prepareCall(options, options.removeSeconds ?? 600);
}

function prepareCall({ executable, endpoint, graceSeconds = 5 }: CrictlOptions, seconds: number): CrictlCall {
  const address = endpoint?.startsWith('/') ? `unix://${endpoint}` : endpoint;
  const endpoints = address ? ['-r', address, '-i', address] : [];
  return { executable, global: ['-t', `${seconds}s`, ...endpoints], deadlineSeconds: seconds + graceSeconds };
}
