import type { Artifact } from './answers.ts';

/** Words for the images of which no finished scan is known; undefined if there is none. */
export function describeUnscanned(artifacts: readonly Artifact[]): string | undefined {
  const images = artifacts.filter(({ isImage }) => isImage);
  const count = (state: Artifact['scanState']) => images.filter(({ scanState }) => scanState === state).length;
  const parts = [
    [count('NotScanned'), 'not scanned'],
    [count('Unfinished'), 'with a scan that has failed or goes on'],
  ] as const;
  const words = parts.filter(([number]) => number > 0).map(([number, state]) => `${number} ${state}`);
  return words.length === 0 ? undefined : `of the ${images.length} in Harbor ${words.join(', ')}`;
}
