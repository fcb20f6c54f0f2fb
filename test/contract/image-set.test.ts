import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatImageSet, parseImageSet } from '../../contract/image-set.ts';
import { compileImageSet } from '../../contract/set-matcher.ts';

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
  const matcher = (lines: readonly string[], protects = false) =>
    compileImageSet(parseImageSet(lines.join('\n')).entries, protects);

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
});
