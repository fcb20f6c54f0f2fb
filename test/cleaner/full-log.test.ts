import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { openLogSink } from '../../cleaner/report/log-sink.ts';
import { buildImage, buildSimulatedNode, simulatedCrictl, simulatedStatfs } from '../fixtures/simulated/node.ts';
import { createBench, imagesLeft } from '../helpers/clean.ts';

const main = fileURLToPath(new URL('../../main.ts', import.meta.url));

it('a log without room on a full filesystem changes only the report, which shows it (H26, C36)', async () => {
  const images = Array.from({ length: 60 }, (_, index) => buildImage(`docker.io/library/junk:${index}`));
  const bench = await createBench(buildSimulatedNode({ images }));
  const files = ['--job', bench.jobFile, '--report', bench.reportFile, '--state', bench.stateDirectory];
  const command = [process.execPath, '--import', simulatedStatfs, main, 'clean', ...files];
  const { exitCode, stderr } = await execa('sh', ['-c', 'exec "$@" >/dev/full', 'sh', ...command], {
    reject: false,
    env: { CRICTL: simulatedCrictl, CONTAINER_RUNTIME_ENDPOINT: `unix://${bench.nodeFile}` },
  });
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/^the log is incomplete: ENOSPC/);
  expect(imagesLeft(bench)).toEqual([]);
  expect(JSON.parse(await readFile(bench.reportFile, 'utf8'))).toMatchObject({
    outcome: 'Succeeded',
    images: { removed: 60 },
    errors: [{ reason: 'LogNotWritten', message: expect.stringContaining('ENOSPC') }],
  });
  await bench.remove();
});

it.each(['ENOSPC', 'EPIPE', 'EIO', 'EAGAIN'])(
  'a sink that fails with %s never throws, and reports it once (H26)',
  (code) => {
    const written: number[] = [];
    const sink = openLogSink(1, (descriptor: number) => {
      written.push(descriptor);
      if (descriptor === 1) throw Object.assign(new Error(code), { code });
      return 1_000;
    });
    sink.write('one\n');
    sink.write('two\n');
    expect(sink.problem()).toContain(code);
    expect(written.filter((descriptor) => descriptor === 2)).toHaveLength(1);
  },
);
