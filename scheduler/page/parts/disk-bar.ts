import { formatBytes } from '../../../contract/bytes.ts';
import { type Html, html } from '../html.ts';
import type { Measure } from '../view/disks.ts';

/** The usage of a disk as a bar, with the thresholds of the policy. The text beside it says the same. */
export function diskBar({ afterPercent, thresholds, usedBytes, capacityBytes }: Measure): Html {
  const used = Math.min(100, Math.round(afterPercent));
  const lines = thresholds === undefined ? [] : [thresholds.lowPercent, thresholds.highPercent];
  return html`<span class="disk"><svg class="bar ${levelOf(afterPercent, thresholds)}" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true"><rect class="all" width="100" height="10"/><rect class="used" width="${used}" height="10"/>${lines.map((percent) => html`<rect class="line" x="${percent - 0.5}" width="1" height="10"/>`)}</svg> <span>${Math.round(afterPercent)} % <span class="more">of ${formatBytes(capacityBytes)}, ${formatBytes(usedBytes)} used</span></span></span>`;
}

/** The thresholds in words. */
export function describeThresholds({ thresholds }: Measure): string {
  if (thresholds === undefined) return '–';
  return `${thresholds.lowPercent} to ${thresholds.highPercent} %`;
}

const trendWidth = 80;
const trendHeight = 20;

/** The usage before and after each of the last runs, as a line, with the numbers as its description. */
export function trend(measures: readonly Measure[]): Html {
  const points = measures.flatMap(({ beforePercent, afterPercent }) => [beforePercent, afterPercent]);
  const step = trendWidth / Math.max(1, points.length - 1);
  const line = points.map(
    (percent, index) => `${round(index * step)},${round(trendHeight - (percent * trendHeight) / 100)}`,
  );
  const words = measures.map(
    ({ beforePercent, afterPercent }) => `${Math.round(beforePercent)} to ${Math.round(afterPercent)} %`,
  );
  return html`<svg class="trend" viewBox="-2 -2 ${trendWidth + 4} ${trendHeight + 4}" role="img" aria-label="${words.join(', then ')}"><title>${words.join(', then ')}</title><rect class="all" x="-2" y="-2" width="${trendWidth + 4}" height="${trendHeight + 4}"/><polyline points="${line.join(' ')}"/></svg>`;
}

/** The colour of a bar: a disk above the target of its policy, or nearly full without one. */
function levelOf(percent: number, thresholds: Measure['thresholds']): 'good' | 'warn' | 'bad' {
  const { lowPercent, highPercent } = thresholds ?? { lowPercent: 85, highPercent: 95 };
  if (percent >= highPercent) return 'bad';
  return percent > lowPercent ? 'warn' : 'good';
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
