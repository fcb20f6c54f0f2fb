import { describe, expect, it } from 'vitest';
import { runKinds } from '../../../scheduler/kinds.ts';
import { formatFinding } from '../../../scheduler/policy/files/findings.ts';
import { lintText, lintWarnings } from '../../../scheduler/policy/lint.ts';

const lint = (name: string, text: string) => {
  const { policies, problems } = lintText(name, text, runKinds);
  return { policies, problems: problems.map((problem) => formatFinding('', problem).replace(/^:\d+:\d+: /, '')) };
};

const configMap = (name: string, document: string, labels = '{nodesweep.io/kind: policy}') => `
apiVersion: v1
kind: ConfigMap
metadata: {name: ${name}, labels: ${labels}}
data:
  cleanup.yaml: |
    ${document}
`;

describe('lint', () => {
  it('accepts a bare document named by its key', () => {
    expect(lint('cleanup.yaml', 'schedule: "@daily"')).toEqual({ policies: 1, problems: [] });
    expect(lint('cleanup.yaml', 'schedule: "@never"').problems).toEqual([
      expect.stringMatching(/^schedule: unknown descriptor/),
    ]);
    expect(lint('prepull.yaml', 'images: []').problems).toEqual([
      'schedule: is required',
      'lists: is required',
      'images: is not a known field; did you mean lists[].images?',
    ]);
  });

  it('checks image lists, and warns of images that another policy of the same file includes (P20)', () => {
    const release = configMap('release', '{schedule: "@daily", lists: [{name: base, images: [acme/api:1, acme/web]}]}');
    const text = [configMap('nightly', 'schedule: "@daily"'), release.replace('cleanup.yaml', 'prepull.yaml')].join(
      '---',
    );
    const result = lintText('policies.yaml', text, runKinds);
    expect(result).toMatchObject({ policies: 2, problems: [] });
    const warnings = lintWarnings(result, new Date(0));
    expect(warnings.map((warning) => formatFinding('f', warning).replace(/^f:\d+:\d+: /, ''))).toEqual([
      expect.stringMatching(/^release\/lists\[0\]\.images\[0\]: warning: is also included by nightly/),
      expect.stringMatching(/^release\/lists\[0\]\.images\[1\]: warning: has the tag latest/),
      expect.stringMatching(/^release\/lists\[0\]\.images\[1\]: warning: is also included by nightly/),
    ]);
    expect(
      lint('policies.yaml', release.replace('cleanup.yaml', 'prepull.yaml').replace('api:1', '"*"')).problems,
    ).toEqual([expect.stringMatching(/^release\/lists\[0\]\.images\[0\]: /)]);
  });

  it('reports a ConfigMap with documents of both kinds (P20)', () => {
    const both = configMap('both', '{schedule: "@daily"}').concat('  prepull.yaml: "schedule: \'@daily\'"\n');
    expect(lint('both.yaml', both).problems).toContainEqual(
      'both/data: has both cleanup.yaml and prepull.yaml; make two ConfigMaps of them',
    );
  });

  it('accepts several manifests in a file, also as a list, and names every problem with its policy', () => {
    const text = [configMap('good', 'schedule: "@daily"'), configMap('bad', '{schedule: "61 * * * *", foo: 1}')].join(
      '---',
    );
    expect(lint('policies.yaml', text)).toEqual({
      policies: 2,
      problems: [expect.stringMatching(/^bad\/schedule: minute: 61/), 'bad/foo: is not a known field'],
    });
    const list = JSON.stringify({
      kind: 'List',
      items: [{ kind: 'ConfigMap', metadata: { name: 'x', labels: {} }, data: { 'cleanup.yaml': '' } }],
    });
    expect(lint('list.yaml', list).problems).toHaveLength(2);
  });

  it('ignores other objects, but reports a file without any policy', () => {
    const deployment = 'kind: Deployment\nmetadata: {name: web}\nspec: {}\n';
    expect(lint('all.yaml', `${deployment}---${configMap('good', 'schedule: "@daily"')}`)).toEqual({
      policies: 1,
      problems: [],
    });
    expect(lint('all.yaml', deployment).problems).toEqual([expect.stringMatching(/^has no policy/)]);
  });

  it('finds a policy without the label, and a name that occurs twice (C40)', () => {
    expect(lint('a.yaml', configMap('lost', 'schedule: "@daily"', '{}')).problems).toEqual([
      expect.stringMatching(/^lost\/metadata\.labels: need nodesweep\.io\/kind/),
    ]);
    const twice = configMap('same', 'schedule: "@daily"');
    expect(lint('a.yaml', `${twice}---${twice}`).problems).toEqual([
      expect.stringMatching(/^same\/metadata\.name: is also the name of an earlier/),
    ]);
  });

  it('reports the place at which YAML does not parse', () => {
    const text = configMap('broken', 'a: [').replace('data:', 'data: [');
    const [first] = lintText('a.yaml', text, runKinds).problems;
    expect(first).toMatchObject({ path: '', line: expect.any(Number), column: expect.any(Number) });
  });
});
