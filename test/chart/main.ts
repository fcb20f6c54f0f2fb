import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedFiles } from './generated.ts';
import { chart } from './values.ts';

mkdirSync(join(chart, 'files'), { recursive: true });
for (const [name, content] of Object.entries(generatedFiles())) writeFileSync(join(chart, name), content);
