import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { annotationKeyProblem, labelKeyProblem, labelValueProblem } from '../../contract/labels.ts';
import { parseCleanup } from '../../scheduler/cleanup/policy.ts';

/** All that the validation of the API server says; the README beside the file describes its lines. */
const answers: readonly (readonly unknown[])[] = readFileSync(
  new URL('../fixtures/labels/answers.txt', import.meta.url),
  'utf8',
)
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const texts = answers.filter(({ length }) => length === 2) as (readonly [string, string])[];
const requirements = answers.filter(({ length }) => length === 4) as (readonly [string, string, string[], boolean])[];

const isValid = (nodes: object) => parseCleanup(JSON.stringify({ schedule: '@daily', nodes })).valid;

describe('the API server', () => {
  it.each([
    ['k', 'key of a label', labelKeyProblem],
    ['v', 'value of a label', labelValueProblem],
    ['a', 'key of an annotation', annotationKeyProblem],
  ])('accepts and refuses the same texts, as %s: the %s, of thousands of texts (H20)', (letter, _, check) => {
    expect(texts.length).toBeGreaterThan(3_000);
    expect(texts.filter(([text, taken]) => (check(text) === undefined) !== taken.includes(letter))).toEqual([]);
  });

  it('gives the same result for keys and values in every place of a policy (H20)', () => {
    const differing = texts.filter(([text, taken]) => {
      const asKey = { matchLabels: { [text]: 'x' }, matchExpressions: [{ key: text, operator: 'Exists' }] };
      const asTaint = { tolerations: [{ key: text, operator: 'Exists' }] };
      const asValue = { matchLabels: { a: text }, matchExpressions: [{ key: 'a', operator: 'In', values: [text] }] };
      const asTaintValue = { tolerations: [{ key: 'a', value: text }] };
      const isKey = [asKey, asTaint].every(isValid) && isValid({ matchLabels: asKey.matchLabels });
      const isValue = [asValue, asTaintValue].every(isValid);
      // An empty key of a toleration is as good as none.
      return (text !== '' && isKey !== taken.includes('k')) || isValue !== taken.includes('v');
    });
    expect(differing).toEqual([]);
  });

  it('accepts and refuses the same matchExpressions (H20)', () => {
    expect(requirements.length).toBeGreaterThan(500);
    const differing = requirements.filter(
      ([key, operator, values, taken]) => isValid({ matchExpressions: [{ key, operator, values }] }) !== taken,
    );
    expect(differing).toEqual([]);
  });
});

describe('a toleration is accepted or refused as by the API server (H20):', () => {
  it.each([
    [{ operator: 'Exists' }, true],
    [{ operator: 'Exists', key: '', value: '', effect: '' }, true],
    [{ operator: 'Exists', value: 'x' }, false],
    [{ operator: 'Exists', key: 'a', effect: 'NoSchedule' }, true],
    [{ operator: 'Exists', key: 'a', effect: 'NoRun' }, false],
    [{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: -1 }, true],
    [{ operator: 'Exists', effect: 'NoSchedule', tolerationSeconds: 1 }, false],
    [{ operator: 'Exists', tolerationSeconds: 1 }, false],
    [{ operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1.5 }, false],
    [{ key: 'a' }, true],
    [{ key: 'a', operator: '', value: 'b' }, true],
    [{ key: 'a', operator: 'Equal', value: '' }, true],
    [{ key: 'a', operator: 'Equal', value: 'b c' }, false],
    [{ key: 'a b', operator: 'Exists' }, false],
    [{ key: '', operator: 'Equal' }, false],
    [{ value: 'b' }, false],
    [{ key: 'a', operator: 'Gt', value: '1' }, false],
    [{ key: 'a', operator: 'exists' }, false],
  ])('%j: %s', (toleration, taken) => {
    expect(isValid({ tolerations: [toleration] })).toBe(taken);
  });
});

describe('a policy with a wrong label is refused with its path and the reason (H20):', () => {
  it.each([
    ['matchLabels: {"a b": c}', 'nodes.matchLabels.a b: the key must consist of letters'],
    ['matchLabels: {a: "-"}', 'nodes.matchLabels.a: must consist of letters'],
    ['matchLabels: {Example.com/a: b}', 'nodes.matchLabels.Example.com/a: the key must have a DNS name before "/"'],
    ['matchExpressions: [{key: a/b/c, operator: Exists}]', 'nodes.matchExpressions[0].key: must have at most one "/"'],
    [
      'matchExpressions: [{key: a, operator: In, values: [b, "c d"]}]',
      'nodes.matchExpressions[0].values[1]: must consist',
    ],
    ['tolerations: [{key: "a b", operator: Exists}]', 'nodes.tolerations[0].key: must consist'],
    ['matchLabels: {__proto__: x}', 'line 2, column 23: the key __proto__ is not allowed'],
    ['matchLabels: {"\\x5f_proto__": x}', 'line 2, column 23: the key __proto__ is not allowed'],
  ])('%s', (nodes, problem) => {
    const parsed = parseCleanup(`schedule: "@daily"\nnodes: {${nodes}}`);
    expect(parsed.valid ? [] : parsed.problems.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      expect.stringContaining(problem),
    ]);
  });
});
