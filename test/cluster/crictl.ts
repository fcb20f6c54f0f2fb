import { execa } from 'execa';
import { buildCrictl } from '../fixtures/crictl/build.ts';

export interface FoundCrictl {
  readonly path: string;
  readonly isStandIn: boolean;
}

/** The crictl of this machine, where there is one; else the stand-in, built into `directory`. */
export async function findCrictl(directory: string): Promise<FoundCrictl> {
  const { stdout: path, failed } = await execa('sh', ['-c', 'command -v crictl'], { reject: false });
  return failed ? { path: await buildCrictl(directory), isStandIn: true } : { path, isStandIn: false };
}
