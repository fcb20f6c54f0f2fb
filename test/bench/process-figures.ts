import { fileURLToPath } from 'node:url';

/** A process that has ended; instants are milliseconds since the epoch. */
export interface ProcessFigures {
  /** Children are not counted. */
  readonly cpuMs: number;
  readonly peakBytes: number;
  readonly startedAt: number;
  /** When Node.js itself was ready. */
  readonly bootedAt: number;
  /** When the last of its files was read. */
  readonly loadedAt: number;
  readonly endedAt: number;
}

/** Options of Node.js that make a process print its figures at its end. */
export const figuresOptions: readonly string[] = [
  '--import',
  fileURLToPath(new URL('./process-figures.mjs', import.meta.url)),
];

/** Reads them from what the process wrote on standard error. */
export function readFigures(stderr: string): ProcessFigures {
  return JSON.parse(stderr.slice(stderr.lastIndexOf('\n')));
}
