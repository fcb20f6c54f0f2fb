import { describe, expect, it } from 'vitest';
import { parseCleanup } from '../../../../scheduler/cleanup/policy.ts';

const problemsOf = (fields: string) => {
  const parsed = parseCleanup(`schedule: "@daily"\n${fields}`);
  return parsed.valid ? [] : parsed.problems.map(({ path, message }) => `${path}: ${message}`);
};

describe('a problem says what to write (P20)', () => {
  it.each([
    ['images: {maxUnusedAge: 14}', /^images\.maxUnusedAge: .*write 14d for days/],
    ['images: {maxUnusedAge: "14"}', /^images\.maxUnusedAge: .*write 14d for days/],
    ['images: {maxUnusedAge: 2 weeks}', /; write 14d$/],
    ['images: {minAge: 90sec}', /; write 90s$/],
    ['images: {minAge: 1M}', /must be a whole number with a unit, like 90s, 2m, 24h or 7d$/],
    ['nodes: gpu', /^nodes: must be a mapping, like \{name: value\}; it is the text "gpu"$/],
    ['nodes: {matchLabels: [gpu]}', /^nodes\.matchLabels: must be a mapping, .*; it is a list$/],
    ['nodes: {matchLabels: {gpu: true}}', /^nodes\.matchLabels\.gpu: must be a text; write "true", in quotes$/],
    ['nodes: {matchLabels: {version: 1.10}}', /must be a text; it is a number, so put it in quotes$/],
    ['nodes: {tolerations: {operator: Exists}}', /must be a list; begin each item with a dash$/],
    ['images: {exclude: nginx}', /^images\.exclude: must be a list; write \[nginx\]$/],
    ['images: {exclude: "**/x"}', /must be a list; write \["\*\*\/x"\]$/],
    ['images:', /^images: has no value; write one, or remove the field$/],
    ['dryRun: yes', /^dryRun: must be true or false; write true, without quotes$/],
    ['dryRun: maybe', /must be true or false; it is the text "maybe"$/],
    ['rollout: {canary: "3"}', /^rollout\.canary: must be a number; write 3, without quotes$/],
    ['rollout: {canary: 1.5}', /must be a whole number; it is the number 1\.5$/],
    ['rollout: {canary: -1}', /must be at least 0$/],
    ['concurrencyPolicy: forbid', /^concurrencyPolicy: must be Forbid, Allow or Replace; write Forbid$/],
    ['concurrencyPolicy: Never', /must be Forbid, Allow or Replace; it is the text "Never"$/],
  ])('%s', (fields, message) => {
    expect(problemsOf(fields)).toEqual([expect.stringMatching(message)]);
  });

  it('names no type of the program', () => {
    const wrong = [
      'nodes: 1',
      'images: []',
      'disk: x',
      'suspend: {}',
      'rollout: [1]',
      'timeZone: 1',
      'jitterSeconds: x',
    ];
    expect(wrong.flatMap(problemsOf).join('\n')).not.toMatch(/expected|received|record|object|string|boolean|NaN/);
  });
});

describe('an unknown field (P20)', () => {
  it.each([
    ['timezone: Europe/Berlin', 'timezone: is not a known field; did you mean timeZone?'],
    ['Suspend: true', 'Suspend: is not a known field; did you mean suspend?'],
    ['rollout: {paralelism: 1}', 'rollout.paralelism: is not a known field; did you mean parallelism?'],
    ['parallelism: 1', 'parallelism: is not a known field; did you mean rollout.parallelism?'],
    ['images: {keep_newest_per_repository: 1}', expect.stringContaining('did you mean keepNewestPerRepository?')],
    ['nodes: {matchLabel: {a: b}}', 'nodes.matchLabel: is not a known field; did you mean matchLabels?'],
    ['hostPath: /', 'hostPath: is not a known field'],
  ])('%s', (fields, message) => {
    expect(problemsOf(fields)).toEqual([message]);
  });
});

describe('startingDeadlineSeconds', () => {
  it('is blamed itself if it is 0, because no jitterSeconds fits it', () => {
    expect(problemsOf('startingDeadlineSeconds: 0\njitterSeconds: 60')).toEqual([
      'startingDeadlineSeconds: must be above jitterSeconds (60), or some runs could never start',
    ]);
  });
});
