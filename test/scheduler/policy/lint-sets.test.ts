import { describe, expect, it } from 'vitest';
import { runKinds } from '../../../scheduler/kinds.ts';
import { formatFinding } from '../../../scheduler/policy/files/findings.ts';
import { lintText, lintWarnings } from '../../../scheduler/policy/lint.ts';

const header = (name: string) =>
  `kind: ConfigMap\nmetadata:\n  name: ${name}\n  labels: {nodesweep.io/kind: image-set}\n`;
const frozen = `${header('frozen')}data:\n  list.txt: |\n    # frozen\n    docker.io/acme/api:1 # until May\n`;
const nightly = (images: string) =>
  `kind: ConfigMap\nmetadata: {name: nightly, labels: {nodesweep.io/kind: policy}}\ndata:\n  cleanup.yaml: |\n    schedule: "@daily"\n    images: {${images}}\n`;

function lint(text: string): readonly string[] {
  const result = lintText('sets.yaml', text, runKinds);
  return [...result.problems, ...lintWarnings(result, new Date(0))].map((finding) =>
    formatFinding('sets.yaml', finding),
  );
}

describe('lint of image sets', () => {
  it('finds nothing in a valid set, which is no policy (S1)', () => {
    expect(lintText('sets.yaml', frozen, runKinds)).toMatchObject({
      policies: 0,
      sets: [{ name: 'frozen', size: { lines: 1 } }],
      problems: [],
      isOther: false,
    });
  });

  it('tells each malformed line with its place, its set, its key and its number (S1)', () => {
    const text = `${frozen}    acme/api:1 acme/api:2\n\n      Acme/API\n`;
    expect(lint(text)).toEqual([
      expect.stringMatching(
        /^sets\.yaml:9:5: image set frozen, key list\.txt, line 3: acme\/api:1 is followed by acme\/api:2/,
      ),
      expect.stringMatching(/^sets\.yaml:11:7: image set frozen, key list\.txt, line 5: Acme\/API can't match: /),
    ]);
  });

  it.each([
    ['without keys', header('frozen'), /: data: image set frozen has no keys/],
    ['of binary data', `${header('frozen')}binaryData: {list: AAAA}\n`, /: data: image set frozen has binaryData/],
    ['that is too large', `${header('frozen')}data: {list: "${'#'.repeat(1_048_577)}"}\n`, /is larger than 1 MiB/],
    [
      'that is there twice',
      `${frozen}---\n${frozen}`,
      /^sets\.yaml:12:3: metadata\.name: image set frozen has the name of an earlier/,
    ],
    [
      'with a time that is none',
      frozen.replace('  labels', '  annotations: {nodesweep.io/updated-at: yesterday}\n  labels'),
      /^sets\.yaml:4:3: metadata\.annotations: image set frozen has no time in its annotation nodesweep.io\/updated-at/,
    ],
  ])('refuses a set %s', (_which, text, message) => {
    expect(lint(text)).toEqual([expect.stringMatching(message)]);
  });

  it('counts the lines after the first 100 of a key, because a wrong file has thousands', () => {
    const lines = Array.from({ length: 5_000 }, () => '    Not:An:Image\n').join('');
    const found = lint(`${header('frozen')}data:\n  list.txt: |\n${lines}`);
    expect(found).toHaveLength(101);
    expect(found.at(-1)).toMatch(/^sets\.yaml:107:5: .*and 4900 more lines have problems$/);
  });

  it.each(['includeFrom', 'excludeFrom', 'removeFrom'])(
    'remarks that images.%s names a set that is not in the files',
    (field) => {
      const text = `${frozen}---\n${nightly(`${field}: [frozen, frozn]`)}`;
      expect(lint(text)).toEqual([
        expect.stringMatching(
          new RegExp(
            `^sets\\.yaml:\\d+:\\d+: nightly/images\\.${field}\\[1\\]: warning: image set frozn is not in these files, .*; did you mean frozen\\?$`,
          ),
        ),
      ]);
    },
  );

  it('remarks that the sets of a policy are too large together, each counted once (S6)', () => {
    const large = (name: string, lines: number) => `${header(name)}data:\n  list: |\n${'    a:1\n'.repeat(lines)}---\n`;
    const policy = nightly('excludeFrom: [frozen], includeFrom: [frozen], removeFrom: [cve]');
    expect(lint(`${large('frozen', 30_000)}${large('cve', 20_000)}${policy}`)).toEqual([]);
    expect(lint(`${large('frozen', 30_000)}${large('cve', 20_001)}${policy}`)).toEqual([
      expect.stringMatching(
        /nightly\/images\.removeFrom\[0\]: warning: image set cve makes the sets of the policy too large, .* and 50001 lines, and the limit is /,
      ),
    ]);
  });

  it('says nothing of sets in files without any, because producers make them', () => {
    expect(lint(nightly('excludeFrom: [frozen]'))).toEqual([]);
  });

  it('remarks that keepLastCopy has no effect beside requirePullable, which keeps all copies (S12)', () => {
    expect(lint(nightly('keepLastCopy: true'))).toEqual([]);
    expect(lint(nightly('keepLastCopy: true, requirePullable: true'))).toEqual([
      expect.stringMatching(/nightly\/images\.keepLastCopy: warning: images\.requirePullable keeps all copies/),
    ]);
  });

  it('refuses a name that is no name, one that repeats, and more than 16', () => {
    const many = Array.from({ length: 17 }, (_, index) => `s${index}`).join(', ');
    expect(lint(nightly('excludeFrom: [Frozen, a, a]'))).toEqual([
      expect.stringMatching(/images\.excludeFrom\[0\]: must be a name/),
      expect.stringMatching(/images\.excludeFrom\[2\]: repeats a/),
    ]);
    expect(lint(nightly(`removeFrom: [${many}]`))).toEqual([expect.stringMatching(/images\.removeFrom: .*16/)]);
  });
});
