import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineCounter, parse, parseDocument, stringify } from 'yaml';
import { parseCleanup } from '../../../scheduler/cleanup/policy.ts';
import { runKinds } from '../../../scheduler/kinds.ts';
import { parsePolicy } from '../../../scheduler/policy/parse.ts';
import { policyLimits, storedLimits } from '../../../scheduler/yaml/limits.ts';
import { readStored, readYaml, YamlError } from '../../../scheduler/yaml/read.ts';

const problems = (text: string, limits = policyLimits) => {
  const result = readYaml(text, limits);
  return result.valid ? [] : result.problems.map(({ path, message }) => `${path}: ${message}`);
};
const values = (text: string) => {
  const result = readYaml(text, policyLimits);
  return result.valid ? result.values : result.problems;
};

/** Texts from which keys and values are made that mean something to YAML or to JavaScript. */
const word = fc.constantFrom('a', 'b', 'constructor', 'toString', 'hasOwnProperty', '1', 'null', '<<', '~', 'ä b', '');
/** Without the one that is refused. */
const name = fc.oneof(word, fc.string()).filter((text) => text !== '__proto__');
const data = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(word, fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4 }),
  ),
})).value;

describe('a YAML text', () => {
  it('has the values that it was written from, block or flow, JSON included', () => {
    fc.assert(
      fc.property(data, (value) => {
        const plain = JSON.parse(JSON.stringify(value));
        for (const text of [stringify(plain), stringify(plain, { collectionStyle: 'flow' }), JSON.stringify(plain)])
          expect(values(text)).toEqual([parse(text)]);
      }),
    );
  });

  it('has the same duplicate keys as the library finds', () => {
    const key = fc.constantFrom('a', 'b', '"a"', "'b'", 'c d', '? a\n');
    const block = fc
      .array(key, { minLength: 1, maxLength: 6 })
      .map((keys) => keys.map((name) => `${name}: 1`).join('\n'));
    const flow = fc
      .array(fc.constantFrom('a', 'b', '"a"'), { maxLength: 5 })
      .map((keys) => `x: {${keys.map((name) => `${name}: {b: 1}`).join(', ')}}`);
    fc.assert(
      fc.property(fc.oneof(block, flow), (text) => {
        const lineCounter = new LineCounter();
        const expected = parseDocument(text, { lineCounter, prettyErrors: false }).errors.map(({ pos, message }) => {
          const { line, col } = lineCounter.linePos(pos[0]);
          return `line ${line}, column ${col}: ${message}`;
        });
        expect(problems(text)).toEqual(expected);
      }),
    );
  });

  it('is read, or refused with a problem, whatever its content (H31)', () => {
    const piece = fc.constantFrom(
      ...'[]{}:-?,&*!|>%@`"\'#~ \t\n\r\\ab1'.split(''),
      '---\n',
      '...\n',
      '%YAML 1.1\n',
      '<<: ',
      '&a ',
      '*a',
      '!!map ',
      '\ufeff',
      '\0',
      '\x02',
      '\x18',
      '\x1f',
      '\ud800',
      '  ',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const text = pieces.join('');
        const result = readYaml(text, policyLimits);
        if (!result.valid) expect(result.problems.every(({ message }) => message.length > 0)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it('may have a byte order mark at its beginning, and documents without content', () => {
    expect(values('\ufeffa: 1')).toEqual([{ a: 1 }]);
    expect(values('')).toEqual([null]);
    expect(values('---\n---\na')).toEqual([null, 'a']);
  });

  it('has the values of its aliases', () => {
    expect(values('a: &x [1, {b: 2}]\nc: *x\nd: &x 3\ne: *x')).toEqual([
      { a: [1, { b: 2 }], c: [1, { b: 2 }], d: 3, e: 3 },
    ]);
    expect(values('? &k a\n: *k')).toEqual([{ a: 'a' }]);
  });
});

describe('a YAML text is refused with line and column (H31):', () => {
  it.each([
    ['a key of JavaScript (H20)', 'a:\n  - {__proto__: x}', 'line 2, column 6: the key __proto__ is not allowed'],
    [
      'the same, quoted with an escape (H20)',
      '"\\u005f_proto__": x',
      'line 1, column 1: the key __proto__ is not allowed',
    ],
    ['one key in two notations', '1: a\n"1": b', 'line 2, column 1: Map keys must be unique'],
    [
      'a collection as a key',
      '? [a, b]\n: c',
      'line 1, column 3: a key must be a plain value, not a collection or an alias',
    ],
    ['an alias before its anchor', 'a: *x\nb: &x 1', 'line 1, column 4: the alias *x has no anchor before it'],
    ['an alias inside its anchor', 'a: &x [*x]', 'line 1, column 8: the alias *x has no anchor before it'],
    ['a tag', 'a: !secret b', 'line 1, column 4: Unresolved tag: !secret'],
    [
      'a tag that other parsers know',
      'a: !!binary aGVsbG8=',
      'line 1, column 4: Unresolved tag: tag:yaml.org,2002:binary',
    ],
    [
      'NUL',
      'a: 1\nb: x\0y',
      'line 2, column 5: the character U+0000 is not allowed; write it as an escape in double quotes',
    ],
    [
      'a mark of the parser',
      'a: \x1fb',
      'line 1, column 4: the character U+001F is not allowed; write it as an escape in double quotes',
    ],
    [
      'half a character',
      'a: \ud83d',
      'line 1, column 4: the character U+D83D is not allowed; write it as an escape in double quotes',
    ],
    [
      'a tab as indentation',
      'a:\n\tb: 1',
      expect.stringMatching(/^line 2, column 1: Tabs are not allowed as indentation/),
    ],
  ])('%s', (_title, text, problem) => {
    expect(problems(text)).toEqual([problem]);
  });
});

/** The time in which this process computes, in milliseconds: that of others on the machine does not count. */
function computingMs(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const lines = (count: number, line: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n');

/** Texts that cost a reader without bounds seconds, gigabytes or its stack; each up to what a ConfigMap can hold. */
const hostile: readonly (readonly [string, string])[] = [
  ['40,000 keys', lines(40_000, (index) => `k${index}: 1`)],
  ['14,000 keys', lines(14_000, (index) => `k${index}: 1`)],
  ['20,000 times the same key in braces', `{${'a: 1, '.repeat(20_000)}}`],
  ['100,000 open brackets', '['.repeat(100_000)],
  ['3,000 brackets that are closed', `${'['.repeat(3_000)}${']'.repeat(3_000)}`],
  ['50,000 open braces', '{a: '.repeat(50_000)],
  ['20,000 dashes in a line', `${'- '.repeat(20_000)}a`],
  ['20,000 question marks in a line', `${'? '.repeat(20_000)}a`],
  ['700 levels of indentation', lines(700, (index) => `${' '.repeat(index)}a:`)],
  [
    'a billion laughs',
    lines(
      12,
      (index) =>
        `a${index}: &a${index} [${Array(10)
          .fill(index === 0 ? 'lol' : `*a${index - 1}`)
          .join(', ')}]`,
    ),
  ],
  [
    'ten thousand anchors and aliases',
    `[${Array.from({ length: 10_000 }, (_, index) => `&a${index} x, *a${index}`).join(', ')}]`,
  ],
  ['a text that is repeated 1,000 times', `a: &a ${'x'.repeat(100_000)}\nb: [${'*a, '.repeat(1_000)}]`],
  ['a key of 500,000 characters', `${'k'.repeat(500_000)}: 1`],
  ['a value of 500,000 characters', `schedule: ${'x'.repeat(500_000)}`],
  ['a value of 500,000 characters, folded', `schedule: >\n${' x\n'.repeat(160_000)}`],
  ['quotes that do not end', `a: "${'x'.repeat(500_000)}`],
  ['50,000 commas', `[${','.repeat(50_000)}]`],
  ['50,000 documents', '---\na\n'.repeat(50_000)],
  ['90,000 tags', '- !x a\n'.repeat(90_000)],
  ['90,000 closing braces', '}\n'.repeat(90_000)],
  ['10,000 tabs for indentation', 'a:\n\tb: 1\n'.repeat(10_000)],
  ['500,000 empty lines', '\n'.repeat(500_000)],
  ['100,000 comments', '# x\n'.repeat(100_000)],
  ['a megabyte', 'a: 1\n'.repeat(200_000)],
];

describe('a hostile policy is refused within seconds of a busy machine (H31, H32):', () => {
  it.each(hostile)('%s', (_title, text) => {
    let parsed: unknown;
    const spent = computingMs(() => {
      parsed = parsePolicy('hostile', { 'cleanup.yaml': text }, runKinds);
    });
    expect(parsed).toMatchObject({ valid: false });
    expect(spent).toBeLessThan(2_500);
  });

  it('six times the keys take about six times the time, also in documents that the scheduler wrote', () => {
    const cost = (count: number) =>
      computingMs(() =>
        readYaml(
          lines(count, (index) => `k${index}: 1`),
          storedLimits,
        ),
      );
    cost(5_000);
    expect(cost(30_000)).toBeLessThan(12 * cost(5_000) + 200);
  });

  it('the problem names the limit that the text exceeds', () => {
    expect(problems('a: 1\n'.repeat(200_000))).toEqual([
      ': is too large: it has 1000000 characters, and the limit is 524288',
    ]);
    expect(problems(lines(40_000, (index) => `k${index}: 1`))).toEqual([
      expect.stringMatching(/^: is too large: it has more than 100000 tokens/),
    ]);
    expect(problems('['.repeat(1_000) + ']'.repeat(1_000))).toEqual([
      'line 1, column 65: collections are nested more than 64 levels deep',
    ]);
    expect(problems(`a: &a ${'x'.repeat(100_000)}\nb: [*a, *a, *a]`)).toEqual([
      expect.stringMatching(/^line 2, column 13: the document is too large: with its aliases/),
    ]);
  });
});

it('several documents in one policy are refused with a clear message', () => {
  expect(parseCleanup('schedule: "@daily"\n---\nschedule: "@daily"')).toMatchObject({
    valid: false,
    problems: [{ path: '', message: 'has several YAML documents; put each into its own ConfigMap' }],
  });
});

it('a stored document that is damaged is an error that names the place', () => {
  expect(() => readStored('a: [')).toThrow(YamlError);
  expect(() => readStored('a: 1\na: 2')).toThrow('line 2, column 1: Map keys must be unique');
});
