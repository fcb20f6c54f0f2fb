import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildReadme } from './readme.ts';
import { buildSchema } from './schema.ts';
import { chart } from './values.ts';

const monitoring = join(chart, '../monitoring');

/** The files of the chart that are made from others, with their contents. A chart can't have files from outside of it. */
export function generatedFiles(): Readonly<Record<string, string>> {
  return {
    'README.md': buildReadme(),
    'values.schema.json': `${JSON.stringify(buildSchema(), undefined, 2)}\n`,
    'files/rules.yaml': readFileSync(join(monitoring, 'rules.yaml'), 'utf8'),
    'files/dashboard.json': readFileSync(join(monitoring, 'dashboard.json'), 'utf8'),
  };
}
