import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlobs, compileProtection, findGlobProblem } from '../../../contract/images/glob.ts';
import { formatImageSet, parseImageSet } from '../../../contract/images/image-set.ts';
import { normaliseNames } from '../../../contract/images/reference.ts';
import { compileImageSet } from '../../../contract/images/set-matcher.ts';
import { isTooLarge, maxSetSum, type SetSize, sizeOfTexts } from '../../../contract/images/set-sum.ts';

const digest = `sha256:${'ab'.repeat(32)}`;
const other = `sha256:${'cd'.repeat(32)}`;

describe('parseImageSet', () => {
  it('reads one image a line, with comments and reasons (S1)', () => {
    const text = [
      '# written by hand',
      '',
      'docker.io/acme/api:1.4',
      `${digest}  # CVE-2026-1234 critical, by harbor`,
      '  docker.io/acme/**  held for the release  ',
      `docker.io/acme/web@${digest}`,
    ].join('\r\n');
    expect(parseImageSet(`\ufeff${text}`)).toEqual({
      entries: [
        { line: 3, image: 'docker.io/acme/api:1.4' },
        { line: 4, image: digest, reason: 'CVE-2026-1234 critical, by harbor' },
        { line: 5, image: 'docker.io/acme/**', reason: 'held for the release' },
        { line: 6, image: `docker.io/acme/web@${digest}` },
      ],
      problems: [],
    });
  });

  it.each([
    ['docker.io/acme/API:1', 'lower case'],
    ['docker.io/acme/api:1 docker.io/acme/web:2', 'one image a line'],
    ['nginx:1 redis:2', 'one image a line'],
    ['https://docker.io/acme/api:1', 'no scheme'],
    ['sha256:abc', 'malformed digest'],
    [`docker.io/acme/api@sha256:${'ab'.repeat(31)}`, 'malformed digest'],
    ['api:', 'is not a tag'],
  ])('tells the line %s with its number, and the others count (S1)', (line, words) => {
    const { entries, problems } = parseImageSet(`# first\n${line}\ndocker.io/acme/last:1`);
    expect(entries).toEqual([{ line: 3, image: 'docker.io/acme/last:1' }]);
    expect(problems).toEqual([{ line: 2, message: expect.stringContaining(words) }]);
  });

  it('reads back what was written, whatever a reason contains (S1)', () => {
    const reason = fc.string({ unit: 'binary', maxLength: 150 });
    const image = fc.constantFrom('docker.io/acme/api:1.4', digest, `quay.io/a/b@${other}`, 'docker.io/acme/*:rc-*');
    const written = fc.array(fc.record({ image, reason }), { maxLength: 8 });
    fc.assert(
      fc.property(written, reason, (entries, comment) => {
        const { entries: read, problems } = parseImageSet(formatImageSet([comment], entries));
        expect(problems).toEqual([]);
        expect(read.map((entry) => entry.image)).toEqual(entries.map((entry) => entry.image));
      }),
    );
  });
});

describe('compileImageSet', () => {
  const matcher = (lines: readonly string[], protects = false) => {
    const match = compileImageSet(parseImageSet(lines.join('\n')).entries);
    return (image: { readonly id: string; readonly names: readonly string[] }) => match(image, protects);
  };

  it.each<[line: string, names: readonly string[], id: string, matches: boolean]>([
    ['nginx:1.25', ['docker.io/library/nginx:1.25'], other, true],
    ['nginx:1.25', ['docker.io/library/nginx:1.25.1'], other, false],
    ['nginx:1.25', ['quay.io/library/nginx:1.25'], other, false],
    [digest, ['docker.io/acme/api:1', `docker.io/acme/api@${digest}`], other, true],
    [digest, [], digest, true],
    [digest.slice('sha256:'.length), [], digest, true],
    [digest.slice('sha256:'.length), [], digest.slice('sha256:'.length), true],
    [digest, [], digest.slice('sha256:'.length), true],
    [digest, [`docker.io/acme/api@${other}`], other, false],
    [`docker.io/acme/api@${digest}`, [`docker.io/acme/api@${digest}`], other, true],
    [`docker.io/acme/api@${digest}`, [`quay.io/acme/api@${digest}`], other, false],
    [`docker.io/acme/api:1@${digest}`, [`docker.io/acme/api:1`, `docker.io/acme/api@${other}`], other, false],
    [`docker.io/acme/api:1@${digest}`, [`docker.io/acme/api:2`, `docker.io/acme/api@${digest}`], other, true],
    ['Registry.Example.com/acme/api:RC', ['registry.example.com/acme/api:RC'], other, true],
    ['registry.example.com/acme/api:RC', ['registry.example.com/acme/api:rc'], other, false],
    ['registry.example.com:5000/api:1', ['registry.example.com:5000/api:1'], other, true],
    [`app:${'0f'.repeat(20)}`, [`docker.io/library/app:${'0f'.repeat(20)}`], other, true],
    ['docker.io/acme/api', ['docker.io/acme/api:7'], other, true],
    ['docker.io/acme/**', ['docker.io/acme/team/api:7'], other, true],
    ['docker.io/acme/**', [], other, false],
    ['**', [], other, true],
  ])('%s names an image with the names %j and the ID %s: %s (S1)', (line, names, id, matches) => {
    expect(matcher(['docker.io/else/where:1', line])({ id, names })?.line).toBe(matches ? 2 : undefined);
  });

  it('finds a name without a registry under every registry only if the set protects (S3)', () => {
    const image = { id: other, names: ['quay.io/team/report:1'] };
    expect(matcher(['team/report:1'])(image)).toBeUndefined();
    expect(matcher(['team/report:1'], true)(image)?.line).toBe(1);
    expect(matcher(['team/report:2'], true)(image)).toBeUndefined();
  });

  const repositories = fc
    .tuple(
      fc.constantFrom('', 'docker.io/', 'index.docker.io/', 'Quay.io/', 'quay.io/', 'localhost:5000/', '*/', '**/'),
      fc.array(fc.constantFrom('a', 'ab', 'library', 'a*', '*b', '**'), { minLength: 1, maxLength: 3 }),
    )
    .map(([registry, path]) => `${registry}${path.join('/')}`);
  const tagOf = fc.constantFrom('', '', ':1', ':RC', ':1*', ':*');
  const digestOf = fc.constantFrom('', '', '', `@${digest}`, `@${other}`, '@sha256:ab*', '@sha256:*');
  const lines = fc.tuple(repositories, tagOf, digestOf).map((parts) => parts.join(''));
  const valid = lines.filter((line) => findGlobProblem(line) === undefined);
  const names = fc.array(
    lines.filter((line) => !line.includes('*')),
    { maxLength: 3 },
  );

  it('names exactly what the line would match as a glob of a policy (S1, S3)', () => {
    const matched = { true: 0, false: 0 };
    fc.assert(
      fc.property(valid, names.map(normaliseNames), fc.boolean(), (line, imageNames, protects) => {
        const matches = (protects ? compileProtection : compileGlobs)([line])(imageNames);
        const found = matcher([line], protects)({ id: `sha256:${'ef'.repeat(32)}`, names: imageNames });
        expect(found !== undefined).toBe(matches);
        matched[`${matches}`] += 1;
      }),
      { numRuns: 2_000 },
    );
    expect(Math.min(matched.true, matched.false)).toBeGreaterThan(50);
  });
});

describe('the sum of sets', () => {
  it('counts each line that is neither empty nor a comment, with any end of line (S6)', () => {
    const line = fc.constantFrom('a:1', '  b:2 # why', '# none', '', '   ', 'Not An Image', '\ufeff', '\ufeffc:1');
    fc.assert(
      fc.property(fc.array(line), fc.constantFrom('\n', '\r', '\r\n'), (texts, end) => {
        const text = texts.join(end);
        const { entries, problems } = parseImageSet(text);
        expect(sizeOfTexts([text])).toEqual({
          bytes: Buffer.byteLength(text),
          lines: entries.length + problems.length,
        });
        const numbers = texts.flatMap((one, index) => (/^\s*(#|$)/.test(one) ? [] : [index + 1]));
        expect([...entries, ...problems].map(({ line: number }) => number).sort((a, b) => a - b)).toEqual(numbers);
      }),
    );
  });

  it.each<[what: string, size: SetSize, isOver: boolean]>([
    ['the limit of bytes and of lines', maxSetSum, false],
    ['one byte more', { ...maxSetSum, bytes: maxSetSum.bytes + 1 }, true],
    ['one line more', { ...maxSetSum, lines: maxSetSum.lines + 1 }, true],
  ])('of %s: too large or not (S6)', (_what, size, isOver) => {
    expect(isTooLarge(size)).toBe(isOver);
  });
});
