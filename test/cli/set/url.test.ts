import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { waitFor } from '../../cluster/wait.ts';
import { bundledProgram, compileCache } from '../../helpers/bundle.ts';
import { SourceServer } from '../../helpers/source-server.ts';

let directory: string;
let server: SourceServer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-set-url-'));
  server = await new SourceServer().start();
});
afterEach(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

function start(...args: readonly string[]) {
  const command = [bundledProgram(), 'set', 'url', '--name', 'recalled', '--output', 'set.txt', ...args];
  return execa(process.execPath, command, { reject: false, cwd: directory, env: compileCache() });
}

describe('nodesweep set url', () => {
  it('writes the images of an address, and its log has no secret of it', async () => {
    server.answer('/list.txt', 'a/a:1\n');
    await writeFile(join(directory, 'token'), 'secret-token');
    const { stdout, exitCode } = await start(`${server.url('/list.txt')}?sig=secret`, '--token-file', 'token');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'Written', images: 1, source: 'url' });
    expect(stdout).not.toContain('secret');
  });

  it('gives up after its time, and says so (S8)', async () => {
    server.answer('/list.txt', () => {});
    const { stdout, exitCode } = await start(server.url('/list.txt'), '--timeout', '1s');
    expect(JSON.parse(stdout).msg).toContain('it took longer than 1s (--timeout)');
    expect(exitCode).toBe(1);
    expect(await readdir(directory)).toEqual([]);
  });

  it('ends at SIGTERM, and writes nothing (S8)', async () => {
    server.answer('/list.txt', () => {});
    const running = start(server.url('/list.txt'));
    await waitFor('the request', 30_000, async () => server.asked[0]);
    running.kill('SIGTERM');
    const { stdout, exitCode } = await running;
    expect(JSON.parse(stdout).msg).toContain('the command was asked to stop');
    expect(exitCode).toBe(1);
    expect(await readdir(directory)).toEqual([]);
  });

  it.each([
    [['http://lists.example.com/a'], 'must begin with https://'],
    [['--severity', 'BAD', 'https://a'], 'It must be a list of CRITICAL, HIGH'],
    [['--sha256', 'abc', 'https://a'], 'It must have 64 hexadecimal digits'],
    [['--sha256', 'a'.repeat(64), '--sha256-file', 'b', 'https://a'], 'cannot be used with'],
    [['--public-key', 'a', 'https://a'], '--public-key and --signature belong together'],
    [['--signature', 'a', 'https://a'], '--public-key and --signature belong together'],
    [['--max-size', '2Gi', 'https://a'], 'It must be a number of bytes'],
  ])('%j is refused with exit code 2', async (args, message) => {
    const { stdout, stderr, exitCode } = await start(...args);
    expect(stdout + stderr).toContain(message);
    expect(exitCode).toBe(2);
    expect(server.asked).toEqual([]);
  });
});
