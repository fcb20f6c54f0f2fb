import { Command } from 'commander';
import { beforeAll, describe, expect, it } from 'vitest';
import { addCommands } from '../../../cli/commands.ts';
import type { CommandContext } from '../../../cli/context.ts';
import { takesPath } from '../../../cli/input/takes-path.ts';

const program = new Command('nodesweep');
beforeAll(() => addCommands(program, {} as CommandContext, []));

describe('the last word of a command line', () => {
  it.each([
    'lint ',
    'lint policies/a.yaml po',
    'lint -o sarif ',
    'plan --policy ',
    'clean --job jo',
    'clean --dry-run --report ',
    'plan --policy a.yaml --sets ',
    'status --kubeconfig ~/.ku',
    'local --policies ',
    'set file ',
    'set file --name x --output ',
    'set url --ca-file ',
  ])('of "%s" is a path', (line) => {
    expect(takesPath(program, line.split(' '))).toBe(true);
  });

  it.each([
    '',
    'li',
    'lint --',
    'lint -o ',
    'plan ',
    'plan --node ',
    'status ',
    'run nightly ',
    'set ',
    'set fi',
    'set url ',
    'set file a.json ',
    'nothing ',
    'constructor ',
  ])('of "%s" is none', (line) => {
    expect(takesPath(program, line.split(' '))).toBe(false);
  });
});
