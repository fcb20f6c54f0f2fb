import { describe, expect, it } from 'vitest';
import { compileRemovalList } from '../../../cleaner/plan/removal-list.ts';
import { buildImage } from '../../helpers/inventory.ts';

const digest = `sha256:${'a1'.repeat(32)}`;
const other = `sha256:${'b2'.repeat(32)}`;
const app = 'registry.example.com/acme/app';

describe('an image goes by references if they name it, and each of its tags (P12)', () => {
  it.each<[what: string, references: readonly string[], names: readonly string[]]>([
    ['its only tag', [`${app}:1`], [`${app}:1`]],
    ['all of its tags', [`${app}:1`, 'quay.io/team/app:1'], [`${app}:1`, 'quay.io/team/app:1']],
    ['its tag, beside the digest of that pull', [`${app}:1`], [`${app}:1`, `${app}@${digest}`]],
    ['a digest, after its tag has moved', [`${app}@${digest}`], [`${app}@${digest}`]],
    ['one of two digests in a repository', [`${app}@${digest}`], [`${app}@${digest}`, `${app}@${other}`]],
    ['a tag and a digest, by which runtimes pull', [`${app}:1@${digest}`], [`${app}@${digest}`]],
    ['a tag and a digest, and both are there', [`${app}:1@${digest}`], [`${app}:1`, `${app}@${digest}`]],
    ['a short name', ['web'], ['docker.io/library/web:latest']],
    ['a user of docker.io', ['acme/web:1'], ['docker.io/acme/web:1']],
  ])('%s', (_, references, names) => {
    expect(compileRemovalList(references).findOutside(buildImage(names))).toBeUndefined();
  });

  it.each([
    ['with its prefix', (id: string) => id],
    ['without it', (id: string) => id.replace('sha256:', '')],
  ])('its ID %s, if it has no name', (_, write) => {
    const nameless = buildImage([]);
    const list = compileRemovalList([write(nameless.id)]);
    expect(list.findOutside(nameless)).toBeUndefined();
    expect(list.findOutside({ ...nameless, id: nameless.id.replace('sha256:', '') })).toBeUndefined();
  });
});

describe('an image stays (P12, P13)', () => {
  const unnamed = 'no reference of the job names it';
  it.each<[what: string, references: readonly string[], names: readonly string[], why: string]>([
    ['if the list is empty', [], [`${app}:1`], unnamed],
    ['if it has no name, and the list has', [`${app}:1`], [], unnamed],
    ['if another tag is named', [`${app}:1`], [`${app}:2`], unnamed],
    ['if the tag of another registry is named', ['acme/app:1'], [`${app}:1`], unnamed],
    ['if a longer or shorter name is named', [`${app}:1`, `${app}-x:11`], [`${app}-x:1`], unnamed],
    ['if a reference looks like a glob', ['**', `${app}:*`, `${app}*`, '*'], [`${app}:1`], unnamed],
    ['if a repository is named, which is its tag latest', [app], [`${app}:1`], unnamed],
    [
      'if it also has another tag',
      [`${app}:1`],
      [`${app}:1`, `${app}:stable`, `${app}@${digest}`],
      `${unnamed} as ${app}:stable`,
    ],
    [
      'if only its digest is named, and it has a tag again',
      [`${app}@${digest}`],
      [`${app}:1`, `${app}@${digest}`],
      `${unnamed} as ${app}:1`,
    ],
    [
      'if somebody pulled it by digest from another repository',
      [`${app}:1`],
      [`${app}:1`, `${app}@${digest}`, `quay.io/team/app@${digest}`],
      `${unnamed} as quay.io/team/app@${digest}`,
    ],
    ['if its digest is named in another repository', [`quay.io/team/app@${digest}`], [`${app}@${digest}`], unnamed],
    ['if a tag is named with another digest', [`${app}:1@${other}`], [`${app}:1`, `${app}@${digest}`], unnamed],
    ['if an ID is named that is the digest of its repository', [digest], [`${app}@${digest}`], unnamed],
  ])('%s', (_, references, names, why) => {
    expect(compileRemovalList(references).findOutside(buildImage(names))).toBe(why);
  });

  it('if only its ID is named, and it has a tag', () => {
    const image = buildImage(`${app}:1`);
    expect(compileRemovalList([image.id]).findOutside(image)).toBe(`${unnamed} as ${app}:1`);
  });
});

it('a list tells which of its references name an image, each once', () => {
  const list = compileRemovalList([`${app}:1`, 'web', `${app}@${digest}`, `${app}:1@${digest}`, `${app}:1`]);
  expect(list.indexesOf(buildImage([`${app}:1`, `${app}@${digest}`])).toSorted()).toEqual([0, 2, 3, 4]);
  expect(list.indexesOf(buildImage([`${app}:2`]))).toEqual([]);
});
