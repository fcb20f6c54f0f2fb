import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseCleanup } from '../../../scheduler/cleanup/policy.ts';
import { runKinds } from '../../../scheduler/kinds.ts';
import { parsePolicy } from '../../../scheduler/policy/parse.ts';
import { briefProblems, formatProblem, listProblems, type Problem } from '../../../scheduler/policy/problem.ts';
import { settled } from '../../../scheduler/run/progress.ts';
import { encodeRun } from '../../../scheduler/run/record.ts';
import { policyRejected } from '../../../scheduler/status/events.ts';
import { encodeStatus, statusOf } from '../../../scheduler/status/status.ts';
import { buildPolicyObject, buildRun, start, tried } from '../../helpers/builders.ts';

const problem = fc.record({
  path: fc.string({ unit: 'binary', maxLength: 3_000 }),
  message: fc.string({ unit: 'binary', minLength: 1, maxLength: 3_000 }),
});
const total = (problems: readonly Problem[], text: string) => {
  const [, others] = /(?:^|; )and ([\d,]+) more$/.exec(text) ?? [];
  return others === undefined ? problems.length : Number(others.replaceAll(',', ''));
};

describe('problems that are stored or sent (H36)', () => {
  it('fit, however many and long they are, with the number of those that are left out', () => {
    fc.assert(
      fc.property(
        fc.array(problem, { minLength: 1, maxLength: 60 }),
        fc.integer({ min: 100, max: 2_000 }),
        (problems, max) => {
          expect(listProblems(problems, max).length).toBeLessThanOrEqual(max);
          expect(listProblems(problems, max).isWellFormed()).toBe(true);
          const brief = briefProblems(problems);
          expect(brief.length).toBeLessThanOrEqual(21);
          expect(brief.map(formatProblem).join('; ').length).toBeLessThan(13_000);
          const shown = problems.length > 20 ? brief.slice(0, -1) : brief;
          const left = problems.length > 20 ? total(problems, brief.at(-1)?.message ?? '') : 0;
          expect(shown.length + left).toBe(problems.length);
        },
      ),
    );
  });

  it('are unchanged if they are few and short', () => {
    const problems = [
      { path: 'a', message: 'is wrong' },
      { path: '', message: 'is empty' },
    ];
    expect(briefProblems(problems)).toEqual(problems);
    expect(listProblems(problems, 100)).toBe('a: is wrong; is empty');
  });
});

const sizeOf = (data: Record<string, string>) =>
  Object.entries(data).reduce((sum, [key, text]) => sum + Buffer.byteLength(key) + Buffer.byteLength(text), 0);

it('8,000 malformed excludes are in status, condition and event, with the number of further ones (H36, C40)', () => {
  const exclude = Array.from({ length: 8_000 }, (_, index) => `team-${index}/[broken-image-name`);
  const object = buildPolicyObject({ images: { exclude } });
  const parsed = parsePolicy(object.name, object.data, runKinds);
  if (parsed.valid) throw new Error('the policy is valid');
  expect(parsed.problems).toHaveLength(8_000);
  const status = statusOf({ object, parsed, runs: [], now: start }, undefined);
  expect(sizeOf(encodeStatus(status))).toBeLessThan(20_000);
  expect(status.problems.at(-1)).toEqual({ path: '', message: 'and 7,980 more' });
  expect(status.conditions?.find(({ type }) => type === 'Ready')).toMatchObject({
    status: 'False',
    reason: 'InvalidPolicy',
    message: expect.stringMatching(/^images\.exclude\[0\]: .*; and 7,980 more$/),
  });
  const { message } = policyRejected(parsed.problems);
  expect(message.length).toBeLessThanOrEqual(1_024);
  expect(message).toMatch(
    /^images\.exclude\[0\]: .*; and 7,99\d more\. The policy does nothing until this is fixed\.$/,
  );
});

describe('the record of every policy that is valid fits, beside 5,000 nodes (H36)', () => {
  const nodes = new Map(
    Array.from({ length: 5_000 }, (_, index) => [
      `ip-10-${index % 256}-${(index * 2_654_435_761) % 65_537}.eu-central-1.compute.internal`,
      settled(tried(1), 'Failed', { reason: 'NotStarted', message: `${index} `.repeat(60) }),
    ]),
  );
  const parseWith = (count: number, glob: (index: number) => string) => {
    const exclude = Array.from({ length: count }, (_, index) => glob(index));
    return parseCleanup(JSON.stringify({ schedule: '@daily', images: { exclude } }));
  };
  /** The largest valid policy, within two percent, among those with fewer names than one that is not valid. */
  const findLargest = (tooMany: number, glob: (index: number) => string) => {
    let [kept, refused] = [0, tooMany];
    while (refused - kept > refused / 50) {
      const middle = Math.floor((kept + refused) / 2);
      if (parseWith(middle, glob).valid) kept = middle;
      else refused = middle;
    }
    const parsed = parseWith(kept, glob);
    if (!parsed.valid) throw new Error('no policy is valid');
    return parsed;
  };

  it.each([
    ['many short names', 40_000, (index: number) => `a${index}`],
    ['long names', 5_000, (index: number) => `registry.example.com/${'team/'.repeat(30)}image-${index}`],
  ])('a policy with %s', (_title, tooMany, glob) => {
    expect(parseWith(tooMany, glob).valid).toBe(false);
    const parsed = findLargest(tooMany, glob);
    const run = buildRun({}, { nodes, document: parsed.document, spec: parsed.policy });
    const size = sizeOf(encodeRun({ ...run, trigger: { type: 'Request', request: 'x'.repeat(262_144) } }));
    expect(size).toBeLessThan(1_048_576);
  });

  it('a short text whose aliases stand for a large policy is refused with the reason', () => {
    const block = Array.from({ length: 400 }, (_, index) => `registry.example.com/team/image-${index}`);
    const text = `schedule: "@daily"\nx: &x [${block.join(', ')}]\nimages: {exclude: [${'*x, '.repeat(60)}]}`;
    expect(text.length).toBeLessThan(20_000);
    expect(parseCleanup(text)).toMatchObject({
      valid: false,
      problems: [{ message: expect.stringMatching(/^the document is too large: with its aliases resolved/) }],
    });
  });
});
