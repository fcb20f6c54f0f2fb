import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { waitFor } from './wait.ts';

/** A server to start: its log is `logs/NAME.log` of the cluster's directory, its pid is kept in `pids/NAME.json`. */
export interface Server {
  readonly name: string;
  readonly command: readonly [file: string, ...string[]];
  /** Set where the file forks what it starts (unshare, nsenter): the child is then the one that is kept and stopped. */
  readonly forks?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
  /** True if it goes on when whoever starts it is gone. Otherwise the kernel kills it then, whatever the reason. */
  readonly survives: boolean;
}

/** A process as it was when started: the start time tells it from a later one with the same pid. */
interface Started {
  readonly pid: number;
  /** Of the process that forked it, if one did. */
  readonly parent?: number;
  readonly startTime: string;
  readonly order: number;
}

const GRACE_MS = 10_000;

/** Starts a server and returns its pid at once; whether it works is for the caller to wait for. */
export async function startServer(directory: string, server: Server): Promise<number> {
  await mkdir(join(directory, 'logs'), { recursive: true });
  await mkdir(join(directory, 'pids'), { recursive: true });
  const parent = spawnWithLog(server, join(directory, 'logs', `${server.name}.log`));
  const pid = server.forks ? await onlyChild(parent, server.name) : parent;
  const forked = server.forks ? { parent } : {};
  const started: Started = { pid, ...forked, startTime: startTime(pid) ?? '', order: Date.now() };
  await writeFile(pidFile(directory, server.name), JSON.stringify(started));
  return pid;
}

/** Stops one server: SIGTERM, then SIGKILL after ten seconds. A server that is gone already is fine. */
export async function stopServer(directory: string, name: string): Promise<void> {
  const started = await readStarted(pidFile(directory, name));
  if (started) await stop(started);
  await rm(pidFile(directory, name), { force: true });
}

/** Sends a signal to a server; one that is gone already is fine. */
export async function signalServer(directory: string, name: string, signalName: NodeJS.Signals): Promise<void> {
  const started = await readStarted(pidFile(directory, name));
  if (started === undefined) return;
  signal(started, signalName);
  if (signalName === 'SIGCONT') wakeParent(started);
}

/** Stops every server that was ever started in the directory and is still there, the last first. */
export async function stopServers(directory: string): Promise<void> {
  const files = await readdir(join(directory, 'pids')).catch(() => []);
  const names = files.map((file) => file.replace(/\.json$/, ''));
  const orders = await Promise.all(
    names.map(async (name) => (await readStarted(pidFile(directory, name)))?.order ?? 0),
  );
  const lastFirst = names.map((name, index) => ({ name, order: orders[index] ?? 0 })).sort((a, b) => b.order - a.order);
  for (const { name } of lastFirst) await stopServer(directory, name);
}

function spawnWithLog(server: Server, logFile: string): number {
  const log = openSync(logFile, 'a');
  const [file, ...arguments_] = server.survives
    ? server.command
    : ['setpriv', '--pdeathsig', 'KILL', '--', ...server.command];
  const child = spawn(file, arguments_, {
    detached: true,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...server.environment },
  });
  child.on('error', () => {});
  child.unref();
  closeSync(log);
  if (child.pid === undefined) throw new Error(`${server.name} can't be started: is ${file} installed?`);
  return child.pid;
}

async function onlyChild(pid: number, name: string): Promise<number> {
  return waitFor(`${name} to start`, 10_000, async () => {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return Number(children.trim().split(' ')[0]) || undefined;
  });
}

async function stop(started: Started): Promise<void> {
  signal(started, 'SIGTERM');
  const deadline = Date.now() + GRACE_MS;
  while (isRunning(started)) {
    if (Date.now() > deadline) signal(started, 'SIGKILL');
    await sleep(50);
  }
  wakeParent(started);
}

/** nsenter stops together with what it has started, and does not notice by itself that it may go on, or end. */
function wakeParent({ parent }: Started): void {
  if (parent !== undefined && startTime(parent) !== undefined) process.kill(parent, 'SIGCONT');
}

function signal(started: Started, name: NodeJS.Signals): void {
  if (isRunning(started)) process.kill(started.pid, name);
}

function isRunning({ pid, startTime: expected }: Started): boolean {
  return startTime(pid) === expected;
}

/** When a process started, in clock ticks since boot (field 22 of proc(5) stat); nothing for one that is gone or dead. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === 'Z' ? undefined : fields[18];
  } catch {
    return undefined;
  }
}

async function readStarted(file: string): Promise<Started | undefined> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function pidFile(directory: string, name: string): string {
  return join(directory, 'pids', `${name}.json`);
}
