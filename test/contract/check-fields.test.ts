import { expect, it } from 'vitest';
import { parseCleanup } from '../../scheduler/cleanup/policy.ts';

it.each([
  ['startingDeadlineSeconds: 0\njitterSeconds: 5', ['startingDeadlineSeconds']],
  ['startingDeadlineSeconds: 20\njitterSeconds: 50', ['jitterSeconds']],
  ['disk: {highPercent: 50, lowPercent: 80, middlePercent: 60}', ['disk.lowPercent', 'disk.middlePercent']],
  ['disk: {highPercent: 50, percent: 60}', ['disk.lowPercent', 'disk.percent']],
  ['nodes: {matchExpressions: [{key: pool, operator: Exists, values: [a], value: b}]}', ['values', 'value']],
  [
    'nodes: {tolerations: [{operator: Exists, value: a, effect: NoSchedule, tolerationSeconds: 5, seconds: 5}]}',
    ['value', 'tolerationSeconds', 'seconds'],
  ],
  ['nodes: {tolerations: [{value: a, seconds: 5}]}', ['operator', 'seconds']],
])('a problem between fields is told together with those of other fields: %s (H19)', (text, fields) => {
  const parsed = parseCleanup(`schedule: "0 3 * * *"\ntimezone: Europe/Berlin\nimages: {maxUnusedAge: 14}\n${text}`);
  const paths = parsed.valid ? [] : parsed.problems.map(({ path }) => path);
  for (const field of ['timezone', 'images.maxUnusedAge', ...fields])
    expect(paths).toContainEqual(expect.stringMatching(new RegExp(`(^|\\.)${field.replaceAll('.', '\\.')}$`)));
});

it.each([
  'disk: {highPercent: high, lowPercent: 80}',
  'disk: 80',
  'nodes: {tolerations: [{operator: Sometimes, value: a}]}',
  'startingDeadlineSeconds: soon\njitterSeconds: 50',
])('a field with the wrong type has one problem, and no check of it adds another one: %s', (text) => {
  const parsed = parseCleanup(`schedule: "0 3 * * *"\n${text}`);
  expect(parsed.valid ? [] : parsed.problems).toHaveLength(1);
});
