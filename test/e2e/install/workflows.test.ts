import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { buildActionlint } from '../../cluster/binaries.ts';

const directory = join(import.meta.dirname, '../../../.github/workflows');
const workflows = readdirSync(directory).map((name) => join(directory, name));

it('actionlint finds nothing in the workflows', async () => {
  expect(workflows.length).toBeGreaterThan(0);
  const { stdout } = await execa(await buildActionlint(), ['-no-color', ...workflows], { reject: false });
  expect(stdout).toBe('');
});
