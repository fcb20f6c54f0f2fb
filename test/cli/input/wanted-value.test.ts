import { describe, expect, it } from 'vitest';
import { chosenCluster, wantedValue } from '../../../cli/input/wanted-value.ts';

const words = (line: string) => line.split(' ');

describe('the value that the last word of a command line may be', () => {
  it.each([
    ['status ', 'Policy'],
    ['run ni', 'Policy'],
    ['run --follow ni', 'Policy'],
    ['plan --node a ', 'Policy'],
    ['plan --node=a ', 'Policy'],
    ['explain web:1 ', 'Policy'],
    ['plan nightly --node ', 'Node'],
    ['status nightly --node n', 'Node'],
    ['status -n ', 'Namespace'],
    ['run nightly --namespace x', 'Namespace'],
    ['page --context ', 'Context'],
  ])('of "%s" is a %s', (line, kind) => {
    expect(wantedValue(words(line))).toBe(kind);
  });

  it.each(['', 'st', 'status --', 'run nightly ', 'explain ', 'lint ', 'constructor ', 'plan --policy '])(
    'of "%s" is nothing that a cluster knows',
    (line) => {
      expect(wantedValue(words(line))).toBeUndefined();
    },
  );
});

it('the cluster of a command line is the last one that is chosen before the last word', () => {
  expect(chosenCluster(words('status -n a --context b --kubeconfig c --namespace d --node -n'))).toEqual({
    namespace: 'd',
    context: 'b',
    kubeconfig: 'c',
  });
  expect(chosenCluster(words('status '))).toEqual({});
});
