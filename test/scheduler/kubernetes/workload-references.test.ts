import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { LoopbackApi } from '../../helpers/loopback-api.ts';

it('20,000 pods of 5.4 KB need only a small heap, because only references of each page are kept (H31)', async () => {
  const server = new LoopbackApi();
  await server.start();
  const env = Array.from({ length: 50 }, (_, index) => ({ name: `VARIABLE_${index}`, value: 'x'.repeat(70) }));
  for (let index = 0; index < 20_000; index += 1)
    server.put('/api/v1/pods', `pod-${index}`, { spec: { containers: [{ image: `app:${index % 300}`, env }] } });
  const argv = ['--max-old-space-size=64', 'test/helpers/list-workloads.ts', server.config.exportConfig()];
  const { stdout } = await promisify(execFile)(process.execPath, argv);
  await server.stop();
  expect(stdout).toBe('300\n');
}, 120_000);
