import type { RunState } from '../cluster/records-port.ts';
import { shortenEnd } from '../output/layout/cells.ts';
import type { Screen } from '../output/layout/screen.ts';
import { describeProgress, describeRest, describeWait } from '../output/run/progress-line.ts';

/** Shows the progress of a run. */
export interface ProgressView {
  show(state: RunState, waitedMs: number): void;
  /** Ends the view, before other text is printed. */
  end(): void;
}

/** A line that is replaced on a terminal; in a pipe, a line for each change. */
export function openProgressView(screen: Screen, write: (text: string) => void): ProgressView {
  return screen.columns === undefined ? linesOf(write) : liveLine(screen.columns, write);
}

function linesOf(write: (text: string) => void): ProgressView {
  let last = '';
  return {
    show: ({ run, pods }, waitedMs) => {
      const line = run === undefined ? describeWait(waitedMs) : describeProgress(run, pods);
      if (line !== undefined && line !== last) write(`${line}\n`);
      last = line ?? last;
    },
    end: () => {},
  };
}

const clearLine = '\r\u001b[2K';

function liveLine(columns: number, write: (text: string) => void): ProgressView {
  return {
    show: ({ run, pods }, waitedMs) => {
      const parts =
        run === undefined
          ? [describeWait(waitedMs) ?? 'waiting for the start']
          : [describeRest(run, pods, new Date()), describeProgress(run, pods)];
      // The last cell stays empty, because some terminals start a new line after it.
      write(`${clearLine}${shortenEnd(parts.filter(Boolean).join('; '), columns - 1)}`);
    },
    end: () => write(clearLine),
  };
}
