import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileGlobs, globSchema } from '../../../contract/images/glob.ts';
import { normaliseNames, parseReference } from '../../../contract/images/reference.ts';

const digest = `sha256:${'ab'.repeat(32)}`;

describe('compileGlobs', () => {
  it.each<[glob: string, name: string, matches: boolean]>([
    ['**', 'nginx', true],
    ['nginx', 'nginx:1.25', true],
    ['nginx', `nginx@${digest}`, true],
    ['nginx', 'quay.io/library/nginx', false],
    ['nginx', 'nginx-unprivileged', false],
    ['nginx:1.25', 'nginx:1.25', true],
    ['nginx:1.25', 'nginx:1.25.1', false],
    [`nginx:1.25@${digest}`, `nginx@${digest}`, true],
    ['acme/app', 'docker.io/acme/app:2', true],
    ['index.docker.io/acme/*', 'acme/app', true],
    ['docker.io/acme/**', 'acme/app', true],
    ['docker.io/acme/**', 'acme/team/app:1', true],
    ['docker.io/acme/**', 'acme-evil/app', false],
    ['docker.io/acme/*', 'acme/team/app', false],
    ['docker.io/acme/*', 'acme/app:1', true],
    ['docker.io/acme/**/app', 'acme/app', true],
    ['docker.io/acme/**/app', 'acme/a/b/app', true],
    ['docker.io/acme/**/app', 'acme/xapp', false],
    ['**/base:*', 'docker.io/acme/base:1', true],
    ['**/base:*', 'docker.io/acme/database:1', false],
    ['**/base:*', `acme/base@${digest}`, false],
    ['**:v1*', 'a.io/b/c:v1.2', true],
    ['**:v1*', 'a.io/b/c:v2', false],
    ['**@sha256:*', `a.io/b@${digest}`, true],
    ['**@sha256:*', 'a.io/b:1', false],
    ['host:5000/a:*', 'host:5000/a:1', true],
    ['host:5000/a', 'host:5000/a', true],
    ['*:5000/**', 'host:5000/a/b', true],
    ['*.example.com/**', 'registry.example.com/a', true],
    ['*.example.com/**', 'example.com/a', false],
    ['a.io/b.c', 'a.io/bxc', false],
  ])('%s against %s: %s (C35, T23)', (glob, name, matches) => {
    expect(globSchema.safeParse(glob).success).toBe(true);
    expect(compileGlobs([glob])(normaliseNames([name]))).toBe(matches);
  });

  it.each([
    ['**', true],
    ['**/**', false],
    ['**:*', false],
    ['*/**', false],
  ])('%s against an image without any name: %s (T11, T12)', (glob, matches) => {
    expect(compileGlobs([glob])([])).toBe(matches);
  });

  it('matches an image when any glob matches any of its names (T10)', () => {
    const matches = compileGlobs(['a.io/x', 'b.io/y:2']);
    expect(matches(normaliseNames(['c.io/z', 'b.io/y:2']))).toBe(true);
    expect(matches(normaliseNames(['c.io/z', 'b.io/y:1']))).toBe(false);
  });

  it('matches nothing without globs', () => {
    expect(compileGlobs([])(normaliseNames(['nginx']))).toBe(false);
  });

  it('answers immediately for a glob that would take a backtracking matcher years', () => {
    const matches = compileGlobs([`a.io/${'*a'.repeat(40)}b`]);
    expect(matches([`a.io/${'a'.repeat(240)}:1`])).toBe(false);
  });
});

describe('case', () => {
  it.each([
    ['**@sha256:ABAB*', `a.io/b@${digest}`],
    ['Registry.Example.COM/team/*', 'registry.example.com/team/app:1'],
    ['registry.example.com/team/*', 'Registry.Example.com/team/app:1'],
    ['Registry.Example.com/team/app', 'registry.example.com/team/app:1'],
  ])('of a host or a digest makes no difference: %s matches %s (T23)', (glob, name) => {
    expect(globSchema.safeParse(glob).success).toBe(true);
    expect(compileGlobs([glob])(normaliseNames([name]))).toBe(true);
  });
});

describe('a glob that is accepted', () => {
  const piece = fc.constantFrom('a', 'b1', '*', '**', '.', '_', '__', '-', 'A', '..');
  const segment = fc.array(piece, { minLength: 1, maxLength: 4 }).map((pieces) => pieces.join(''));
  const globs = fc
    .tuple(
      fc.constantFrom('**', 'quay.io', 'Quay.IO', 'localhost:5000', '*.io', 'docker.io/team', '*:*'),
      fc.array(segment, { minLength: 1, maxLength: 3 }),
      fc.option(segment),
      fc.option(fc.constantFrom('sha256:*', 'sha256:AB*', '*ab', `sha256:${'AB'.repeat(32)}`, 'sha256:abcd')),
    )
    .map(([host, path, tag, hash]) => `${[host, ...path].join('/')}${tag ? `:${tag}` : ''}${hash ? `@${hash}` : ''}`);

  /** A full reference that the glob should match. */
  function writeWitness(glob: string): string {
    const [name = '', hash] = glob.split('@');
    const colon = name.indexOf(':', name.lastIndexOf('/'));
    const [repository, tag] = colon === -1 ? [name, undefined] : [name.slice(0, colon), name.slice(colon + 1)];
    const [host = '', ...path] = repository.split('/');
    const full = [host.replace(/:\*+/, ':1').replace(/\*+/g, 'a.a'), ...path.map((text) => text.replace(/\*+/g, 'a'))];
    const [before = '', after] = (hash ?? '').toLowerCase().split('*');
    const prefix = before === '' ? 'sha256:' : before;
    const filled = after === undefined ? before : `${prefix}${'0'.repeat(71 - prefix.length - after.length)}${after}`;
    const version = tag?.replace(/\*+/g, tag.startsWith('*') ? 'a' : '') ?? 'latest';
    return `${full.join('/')}${hash === undefined ? `:${version}` : `@${filled}`}`;
  }

  it('matches at least one possible reference, so that no exclude silently protects nothing (T23)', () => {
    let accepted = 0;
    fc.assert(
      fc.property(globs, (glob) => {
        if (!globSchema.safeParse(glob).success) return;
        accepted++;
        const witness = writeWitness(glob);
        expect(parseReference(witness), `${glob}: ${witness}`).toBeDefined();
        expect(compileGlobs([glob])(normaliseNames([witness])), `${glob}: ${witness}`).toBe(true);
      }),
      { numRuns: 3_000 },
    );
    expect(accepted).toBeGreaterThan(60);
  });
});

describe('globSchema', () => {
  it.each([
    ['', 'write **'],
    ['a b', 'spaces'],
    ['nginx:*', 'write docker.io/library/nginx:* or **/nginx:*'],
    ['acme/*', 'write docker.io/acme/* or **/acme/*'],
    ['*', 'write docker.io/library/*'],
    ['docker.io/*', 'write docker.io/library/*, or docker.io/**'],
    ['docker.io/nginx:*', 'write docker.io/library/nginx:*'],
    ['index.docker.io/n*', 'write docker.io/library/n*'],
    ['Docker.IO/n*', 'write docker.io/library/n*'],
    ['https://a.io/b', 'no scheme'],
    ['a.io//b', 'empty path segment'],
    ['a.io/b/', 'empty path segment'],
    ['/a', 'empty path segment'],
    ['a.io/Team/*', 'write team'],
    ['Nginx', 'lower case'],
    ['a.io/b:', 'is not a tag'],
    ['a.io/b:x:y', 'is not a tag'],
    ['a.io/b:.x*', 'is not a tag'],
    [`a.io/b:${'x'.repeat(129)}`, 'at most 128'],
    ['a.io/b@sha256:xyz', 'malformed digest'],
    ['a.io/b@sha256:xyz*', 'malformed digest'],
    ['a.io/b@', 'malformed digest'],
    ['a.io/b@sha256:abcd', 'malformed digest'],
    [`a.io/b@sha256:${'ab'.repeat(33)}*`, 'malformed digest'],
    ['a.io/b..*', 'is not part of a repository'],
    ['a.io/*-', 'is not part of a repository'],
    ['a.io/_*/b', 'is not part of a repository'],
    ['*..io/b', 'is not a registry'],
    [`a.io/b:${'x'.repeat(129)}*`, 'at most 128'],
    [digest, 'ID of an image'],
    ['ab'.repeat(32), 'ID of an image'],
    [`@${digest}`, `write **@${digest}`],
    [':v1', 'write **:v1'],
    ['a.io/{b,c}', 'is not part of a repository'],
    ['a.io/b?', 'is not part of a repository'],
    ['!a.io/b', 'is not a registry'],
    ['a.io/b;reboot', 'is not part of a repository'],
    ['a.io/b*;reboot', 'is not part of a repository'],
    ['a.io/;b*', 'is not part of a repository'],
    ['a.io/b*;', 'is not part of a repository'],
    ['!a*.io/b', 'is not a registry'],
    ['a*.io!/b', 'is not a registry'],
    ['a.io/b:x*;', 'is not a tag'],
    ['a.io/b:', 'an empty text is not a tag'],
    ['a.io/b:x:y', 'x:y is not a tag'],
  ])('rejects %j, which cannot match anything, and shows a correct form', (glob, advice) => {
    expect(globSchema.safeParse(glob).error?.issues[0]?.message).toContain(advice);
  });
});
