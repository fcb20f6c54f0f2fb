import type { Report } from '../../contract/report.ts';
import type { ImageLine, LogLine } from './log-line.ts';

/** All that one run did on one node. */
export interface NodeResult {
  readonly node: string;
  readonly report: Report;
  readonly images: readonly ImageLine[];
}

export interface Teller {
  readonly onNode: (result: NodeResult) => void;
  readonly onTrouble: (message: string) => void;
  /** The address of the status page, if there is one. */
  readonly onPage: (url: string) => void;
}

type RunStart = Extract<LogLine, { kind: 'RunStarted' }>;

/** Follows a run to its end; the teller hears of everything as soon as it happens. Rejects where it does not succeed. */
export async function followRun(
  lines: AsyncIterator<LogLine, void>,
  isMeant: (start: RunStart) => boolean,
  tell: Teller,
): Promise<NodeResult[]> {
  const results: NodeResult[] = [];
  let images: ImageLine[] = [];
  let run: string | undefined;
  for (;;) {
    const { value: line } = await lines.next();
    if (line?.kind === 'RunStarted' && isMeant(line)) run = line.run;
    if (line?.kind === 'Trouble') tell.onTrouble(line.message);
    if (line?.kind === 'Page') tell.onPage(line.url);
    if (line?.kind === 'Image') images.push(line);
    if (line?.kind === 'Report') {
      const { node, report } = line;
      const result = { node, report, images: images.filter((image) => image.node === node) };
      images = images.filter((image) => image.node !== node);
      results.push(result);
      tell.onNode(result);
    }
    if (line?.kind === 'RunFinished' && line.run === run) {
      if (line.phase !== 'Succeeded') throw new Error(line.message);
      return results;
    }
  }
}

/** Follows the next run of a policy to its end, which may be a failure. */
export async function followLists(lines: AsyncIterator<LogLine, void>, policy: string, tell: Teller): Promise<void> {
  let run: string | undefined;
  for (;;) {
    const { value: line } = await lines.next();
    if (line?.kind === 'RunStarted' && line.policy === policy) run = line.run;
    if (line?.kind === 'Trouble') tell.onTrouble(line.message);
    if (line?.kind === 'RunFinished' && line.run === run) return;
  }
}
