import { expect, it } from 'vitest';
import { formatDuration } from '../../contract/duration.ts';

it.each([
  [-5, '0s'],
  [0, '0s'],
  [45_000, '45s'],
  [120_000, '2m'],
  [273_600_000, '3d 4h'],
])('%d ms is %s for people', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
