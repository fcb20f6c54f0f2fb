import { styleText } from 'node:util';

/** A bar for a percentage, red where the disk is nearly full. */
export function bar(percent: number, width: number): string {
  const filled = Math.round((percent * width) / 100);
  return styleText(colorOf(percent), '█'.repeat(filled)) + styleText('dim', '░'.repeat(width - filled));
}

export function percentText(percent: number): string {
  return `${Math.round(percent)} %`.padStart(5);
}

function colorOf(percent: number): 'red' | 'yellow' | 'green' {
  if (percent >= 80) return 'red';
  return percent >= 65 ? 'yellow' : 'green';
}
