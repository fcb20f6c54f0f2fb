import { buildReadme } from './readme.ts';
import { buildSchema } from './schema.ts';

/** The files of the chart that are made from others, with their contents. */
export function generatedFiles(): Readonly<Record<string, string>> {
  return { 'README.md': buildReadme(), 'values.schema.json': `${JSON.stringify(buildSchema(), undefined, 2)}\n` };
}
