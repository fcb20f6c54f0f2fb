import type { CleanView } from '../../cleaner/main.ts';
import { CleanText, parseCleanLine } from '../output/clean-text.ts';
import { formatSentence } from '../output/layout/paragraph.ts';
import type { Screen } from '../output/layout/screen.ts';

/** Shows a run of the cleaner to a person. The first sign of life ends the wait for the runtime. */
export function openCleanView(screen: Screen, write: (line: string) => void, stopWaiting: () => void): CleanView {
  const text = new CleanText();
  return {
    onPlan: (removals) => {
      stopWaiting();
      text.plan(removals);
    },
    sink: {
      write: (line) => {
        const parsed = parseCleanLine(line);
        if (parsed === undefined) return;
        stopWaiting();
        for (const sentence of text.add(parsed)) write(formatSentence(sentence, screen));
      },
      problem: () => undefined,
    },
  };
}
