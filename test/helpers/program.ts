import { execa } from 'execa';
import { simulatedCrictl, simulatedStatfs } from '../fixtures/simulated/node.ts';
import { bundledProgram, compileCache } from './bundle.ts';
import type { Bench } from './clean.ts';
import type { RecordsServer } from './records-server.ts';

export type ProgramResult = {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number | undefined;
};

/**
 * Runs `nodesweep` as users do, in a directory, with a text as its standard input and with more variables, and resolves with its
 * end.
 */
export async function runProgram(
  args: readonly string[],
  cwd?: string,
  input = '',
  environment: NodeJS.ProcessEnv = {},
): Promise<ProgramResult> {
  const env = { ...compileCache(), ...environment };
  const options = { reject: false, env, input, ...(cwd && { cwd }) } as const;
  return resultOf(await execa(process.execPath, [bundledProgram(), ...args], options));
}

/** Runs `nodesweep` on a simulated node, with a text as its standard input. */
export async function runProgramOn(
  { directory, nodeFile }: Bench,
  args: readonly string[],
  input = '',
): Promise<ProgramResult> {
  const env = {
    CRICTL: simulatedCrictl,
    CONTAINER_RUNTIME_ENDPOINT: `unix://${nodeFile}`,
    NODE_NAME: 'node-1',
    ...compileCache(),
  };
  const command = ['--import', simulatedStatfs, bundledProgram(), ...args];
  return resultOf(await execa(process.execPath, command, { reject: false, cwd: directory, env, input }));
}

/** Starts `nodesweep` with the kubeconfig of an API server. */
export function startProgramFor({ kubeconfig }: RecordsServer, args: readonly string[]) {
  const { KUBERNETES_SERVICE_HOST: _, ...environment } = process.env;
  const env = { ...environment, KUBECONFIG: kubeconfig, ...compileCache() };
  return execa(process.execPath, [bundledProgram(), ...args], { reject: false, extendEnv: false, env });
}

/** Runs `nodesweep` with the kubeconfig of an API server. */
export async function runProgramFor(server: RecordsServer, args: readonly string[]): Promise<ProgramResult> {
  return resultOf(await startProgramFor(server, args));
}

function resultOf({
  stdout,
  stderr,
  exitCode,
}: Pick<ProgramResult, 'stdout' | 'stderr'> & { readonly exitCode?: number }): ProgramResult {
  return { stdout, stderr, exitCode };
}
