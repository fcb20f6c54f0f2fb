import { writeSync } from 'node:fs';
import { hasCode, messageOf } from '../../contract/errors.ts';

/** The destination of log lines. */
export type LogSink = {
  /** Writes a line, and never throws. */
  write(line: string): void;
  /** The cause why the first line could not be written; undefined if all lines were written. */
  problem(): string | undefined;
};

/** Maximum time of a run to wait for a pipe that is read slowly or not at all. */
const maxWaitMs = 2_000;
const waitMs = 10;

/**
 * Opens a sink on a file descriptor. Lines are written at once, so that none is lost when the process ends. A full
 * filesystem or a closed pipe loses lines, but never ends the run: the first failure is written to standard error.
 */
export function openLogSink(descriptor: number, write = writeSync): LogSink {
  let problem: string | undefined;
  let leftMs = maxWaitMs;
  let isCut = false;
  const writeAll = (line: string) => {
    let rest = Buffer.from(isCut ? `\n${line}` : line);
    while (rest.length > 0) {
      try {
        rest = rest.subarray(write(descriptor, rest));
        isCut = rest.length > 0;
      } catch (error) {
        if (!hasCode(error, 'EAGAIN') || leftMs <= 0) throw error;
        leftMs -= waitMs;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
      }
    }
  };
  return {
    write: (line) => {
      try {
        writeAll(line);
      } catch (error) {
        if (problem !== undefined) return;
        problem = `the log is incomplete: ${messageOf(error)}`;
        tellOnce(problem, write);
      }
    },
    problem: () => problem,
  };
}

function tellOnce(problem: string, write: typeof writeSync): void {
  try {
    write(2, `${problem}\n`);
  } catch {
    // Standard error can't be written either. The report has the problem.
  }
}
