// npm run executable [-- DIRECTORY]
//
// Makes the executable for this platform: Node.js with the program in it (https://nodejs.org/api/single-executable-applications.html).
// It is the Node.js that runs this script, so call it on each platform.
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { execa } from 'execa';
import { bundling } from './bundling.config.ts';
import { kubectlCompletion } from './cli/output/kubectl-completion.ts';

/** The places where Node.js looks for a program in its own executable. */
const resource = 'NODE_SEA_BLOB';
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';
const segment = 'NODE_SEA';

const directory = process.argv[2] ?? 'executable';
const isWindows = process.platform === 'win32';
const executable = join(directory, isWindows ? 'nodesweep.exe' : 'nodesweep');
/** Releases of Node.js have their license here, and packages of it may have none. */
const nodeLicense = join(process.execPath, isWindows ? '..' : '../..', 'LICENSE');

await mkdir(directory, { recursive: true });
const work = await mkdtemp(join(tmpdir(), 'nodesweep-executable-'));
try {
  await copyFile(process.execPath, executable);
  await chmod(executable, 0o755);
  // The signature of Node.js is not valid for another file. macOS starts only what is signed.
  if (process.platform === 'darwin') await execa('codesign', ['--remove-signature', executable]);
  await inject(await buildBlob(work));
  if (process.platform === 'darwin') await execa('codesign', ['--sign', '-', executable]);
} finally {
  await rm(work, { recursive: true });
}
await copyLicenses();
await writeFile(join(directory, 'kubectl_complete-nodesweep'), `${kubectlCompletion}\n`, { mode: 0o755 });
console.log(`made ${executable}`);

/** The program in one file, in the form in which Node.js takes it. An executable can only contain CommonJS. */
async function buildBlob(work: string): Promise<string> {
  const [main, configuration, output] = ['main.cjs', 'sea-config.json', 'blob'].map((name) => join(work, name)) as [
    string,
    string,
    string,
  ];
  await build({ ...bundling, outfile: main, format: 'cjs', legalComments: 'inline' });
  await writeFile(configuration, JSON.stringify({ main, output, disableExperimentalSEAWarning: true }));
  await execa(process.execPath, ['--experimental-sea-config', configuration]);
  return output;
}

/** The licenses of the program and of Node.js. Those of the packages are in the program itself. */
async function copyLicenses(): Promise<void> {
  await copyFile('LICENSE', join(directory, 'LICENSE'));
  if (existsSync(nodeLicense)) await copyFile(nodeLicense, join(directory, 'LICENSE-node'));
  else console.warn(`There is no ${nodeLicense}: publish the executable only with the license of Node.js`);
}

async function inject(blob: string): Promise<void> {
  const macho = process.platform === 'darwin' ? ['--macho-segment-name', segment] : [];
  await execa('postject', [executable, resource, blob, '--sentinel-fuse', fuse, ...macho], { preferLocal: true });
}
