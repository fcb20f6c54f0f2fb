import { join } from 'node:path';
import { execa } from 'execa';

/** Installs the Debian packages that the cluster needs and this machine lacks. */
export async function installPackages(): Promise<void> {
  const script = join(import.meta.dirname, 'install-packages.sh');
  await execa('sh', [script], { stdout: 'inherit', stderr: 'inherit' });
}
