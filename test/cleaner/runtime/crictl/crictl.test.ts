import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createCrictl } from '../../../../cleaner/runtime/crictl/crictl.ts';
import type { CrictlProblem } from '../../../../cleaner/runtime/crictl/error.ts';
import type { RunCrictl } from '../../../../cleaner/runtime/crictl/process.ts';
import type { Runtime } from '../../../../cleaner/runtime/runtime.ts';
import { writeBrokenCrictl } from '../../../fixtures/broken-crictl/broken.ts';
import {
  buildContainer,
  buildImage,
  buildSimulatedNode,
  readNode,
  simulatedCrictl,
  writeNode,
} from '../../../fixtures/simulated/node.ts';

const web = buildImage('docker.io/library/web:1', { created: '2026-01-01T00:00:00Z' });
const old = buildImage('docker.io/library/old:1');
const container = buildContainer(web);

let directory: string;
let endpoint: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'crictl-'));
  endpoint = join(directory, 'node.json');
  writeNode(endpoint, buildSimulatedNode({ images: [web, old], containers: [container] }));
});

afterEach(() => rm(directory, { recursive: true }));

/** An executable that writes its arguments into a file and then does what the script says. */
async function writeExecutable(script: string, mode = 0o755): Promise<string> {
  const path = join(directory, 'crictl');
  await writeFile(path, `#!/bin/sh\nprintf '%s\\n' "$@" > '${directory}/arguments'\n${script}\n`);
  await chmod(path, mode);
  return path;
}

async function readArguments(): Promise<readonly string[]> {
  return (await readFile(join(directory, 'arguments'), 'utf8')).trimEnd().split('\n');
}

const calls: readonly [command: string, call: (runtime: Runtime) => Promise<unknown>][] = [
  ['images', (runtime) => runtime.listImages()],
  ['ps', (runtime) => runtime.listContainers()],
  ['inspect', (runtime) => runtime.inspectContainers([container.id])],
  ['pods', (runtime) => runtime.countReadySandboxes()],
  ['info', (runtime) => runtime.getSandboxImages()],
  ['inspecti', (runtime) => runtime.inspectImages([web.id])],
];

describe('an answer', () => {
  it.each(calls)('of %s is trusted when it is complete and the exit code is 0', async (_, call) => {
    await expect(call(createCrictl({ executable: simulatedCrictl, endpoint }))).resolves.not.toThrow();
  });

  it.each(
    calls.flatMap(([command, call]) =>
      (
        [
          ['rubbish', 'gave an answer that can\'t be relied on (it is not JSON and starts with "<html>'],
          ['half', "gave an answer that can't be relied on (it is cut off after"],
          ['empty', "gave an answer that can't be relied on (it is empty)"],
          ['null', "gave an answer that can't be relied on"],
          ['keyless', "gave an answer that can't be relied on"],
          ['fails', 'ended with exit code 1: something broke'],
          ['crashes', 'was ended by SIGKILL'],
        ] as const
      ).map(([how, message]) => ({ command, call, how, message })),
    ),
  )('of $command that is $how is refused (T1)', async ({ command, call, how, message }) => {
    const executable = await writeBrokenCrictl(directory, command, how);
    const error = await call(createCrictl({ executable, endpoint })).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toContain(`"crictl ${command}`);
    expect(String(error)).toContain(message);
  });

  it('without a requested container is refused (T1)', async () => {
    const executable = await writeExecutable('echo \'{"status":{"id":"another","mounts":[]}}\'');
    const inspection = createCrictl({ executable, endpoint }).inspectContainers(['a'.repeat(64)]);
    await expect(inspection).rejects.toThrow(`it lacks ${'a'.repeat(64)}`);
  });
});

describe('an executable', () => {
  it('that is missing is named, with the next step', async () => {
    const runtime = createCrictl({ executable: '/nowhere/crictl', endpoint });
    await expect(runtime.listImages()).rejects.toThrow(
      '/nowhere/crictl was not found: install crictl, or set CRICTL to the path of the executable',
    );
  });

  it('that is missing on PATH is named too', async () => {
    await expect(createCrictl({ executable: 'no-such-crictl' }).listImages()).rejects.toThrow('install crictl');
  });

  it('that may not be executed is named, with the next step', async () => {
    const executable = await writeExecutable('echo', 0o644);
    await expect(createCrictl({ executable }).listImages()).rejects.toThrow(
      `${executable} can't be executed (EACCES): make it executable`,
    );
  });

  it('that never stops printing is ended', async () => {
    const executable = await writeExecutable('yes & yes');
    await expect(createCrictl({ executable }).listImages()).rejects.toThrow('it is longer than 67108864 bytes');
  });

  it('that hangs is ended with all its children, well after its own deadline', async () => {
    const executable = await writeExecutable('sleep 3600 & sleep 3600');
    const runtime = createCrictl({ executable, readSeconds: 0.25, graceSeconds: 0.25 });
    await expect(runtime.listImages()).rejects.toThrow(
      'gave no answer within 1.25 s: check whether the container runtime',
    );
  });

  it('that takes long is started again with twice the time, up to a setting, and later ones begin with that time (H12)', async () => {
    const times: string[] = [];
    const slow =
      (neededSeconds: number): RunCrictl =>
      async ({ global, deadlineSeconds }) => {
        times.push(`${global[1]} ${deadlineSeconds}`);
        if (Number.parseInt(global[1] ?? '', 10) >= neededSeconds) return { stdout: '{"images":[]}' };
        return { problem: { kind: 'Exited', exitCode: 1, stderr: 'code = DeadlineExceeded desc = stream terminated' } };
      };
    const runtime = createCrictl({ executable: 'crictl', maxReadSeconds: 100 }, slow(40));
    await runtime.listImages();
    await runtime.listImages();
    expect(times).toEqual(['30s 35', '60s 65', '60s 65']);
    times.length = 0;
    await expect(createCrictl({ executable: 'crictl', maxReadSeconds: 100 }, slow(101)).listImages()).rejects.toThrow();
    expect(times).toEqual(['30s 35', '60s 65', '100s 105']);
  });

  it.each([1, 5, 29])('gets no more than a setting of %i s, also at the first try (H12)', async (maxReadSeconds) => {
    const times: string[] = [];
    const hanging: RunCrictl = async ({ global, deadlineSeconds }) => {
      times.push(`${global[1]} ${deadlineSeconds}`);
      return { problem: { kind: 'TimedOut', seconds: deadlineSeconds } };
    };
    await expect(createCrictl({ executable: 'crictl', maxReadSeconds }, hanging).listImages()).rejects.toThrow();
    expect(times).toEqual([`${maxReadSeconds}s ${maxReadSeconds + 5}`]);
  });

  it('that fails for another reason is started once', async () => {
    let calls = 0;
    const down: RunCrictl = async () => {
      calls++;
      return { problem: { kind: 'Exited', exitCode: 1, stderr: 'code = Unavailable' } };
    };
    await expect(createCrictl({ executable: 'crictl' }, down).listContainers()).rejects.toThrow('Unavailable');
    expect(calls).toBe(1);
  });
});

describe('arguments', () => {
  it('contain the deadline and the endpoint explicitly', async () => {
    const executable = await writeExecutable('echo \'{"images":[]}\'');
    await createCrictl({ executable, endpoint: '/run/containerd.sock' }).listImages();
    const address = 'unix:///run/containerd.sock';
    expect(await readArguments()).toEqual(['-t', '30s', '-r', address, '-i', address, 'images', '-o', 'json']);
  });

  it('leave the endpoint to crictl if none is given, and allow ten minutes for removals', async () => {
    const executable = await writeExecutable('');
    await createCrictl({ executable }).removeImages([web.id, old.id]);
    expect(await readArguments()).toEqual(['-t', '600s', 'rmi', web.id, old.id]);
  });

  it('never reach a shell (C36)', async () => {
    const executable = await writeExecutable('');
    const id = `$(touch ${directory}/owned); touch ${directory}/owned`;
    await createCrictl({ executable }).removeImages([id]);
    expect((await readArguments()).at(-1)).toBe(id);
    await expect(readFile(join(directory, 'owned'))).rejects.toThrow('ENOENT');
  });

  it('with more IDs than one call allows are divided over several', async () => {
    const containers = Array.from({ length: 450 }, (_, index) => buildContainer(web, { id: `container-${index}` }));
    writeNode(endpoint, buildSimulatedNode({ images: [web], containers }));
    const details = await createCrictl({ executable: simulatedCrictl, endpoint }).inspectContainers(
      containers.map(({ id }) => id),
    );
    expect(details.map(({ id }) => id)).toEqual(containers.map(({ id }) => id));
  });
});

describe('containers', () => {
  const ids = Array.from(
    { length: 130 },
    (_, index) => buildContainer(web, { id: `container-${String(index).padStart(3, '0')}` }).id,
  );

  /** Answers as crictl does over a runtime that does `what` to each call. */
  function createRuntime(what: (asked: readonly string[]) => CrictlProblem | undefined) {
    const calls: number[] = [];
    const run: RunCrictl = async (_call, args) => {
      const asked = args.slice(4);
      calls.push(asked.length);
      const problem = what(asked);
      const statuses = asked.map((id) => ({ status: { id, mounts: [] } }));
      return problem ? { problem } : { stdout: JSON.stringify(statuses) };
    };
    return { runtime: createCrictl({ executable: 'crictl' }, run), calls };
  }

  it('that no longer exist are requested no more, and the others are reported (H12)', async () => {
    const gone = ids.filter((_, index) => index % 40 === 0);
    const { runtime, calls } = createRuntime((asked) => {
      const first = asked.find((id) => gone.includes(id));
      const stderr = `level=fatal msg="rpc error: code = NotFound desc = try to find container \\"${first}\\": not found"`;
      return first === undefined ? undefined : { kind: 'Exited', exitCode: 1, stderr };
    });
    const told = await runtime.inspectContainers(ids);
    expect(told.map(({ id }) => id)).toEqual(ids.filter((id) => !gone.includes(id)));
    expect(calls).toHaveLength(gone.length + 2);
  });

  it.each<CrictlProblem>([
    { kind: 'TooLong', bytes: 1 },
    { kind: 'TimedOut', seconds: 1 },
  ])('are requested in smaller parts if the answer is $kind (H12)', async (problem) => {
    const { runtime, calls } = createRuntime((asked) => (asked.length > 30 ? problem : undefined));
    expect((await runtime.inspectContainers(ids)).map(({ id }) => id)).toEqual(ids);
    expect(calls).toEqual([100, 50, 25, 25, 50, 25, 25, 30]);
  });

  it('get time in proportion to their number (H12)', async () => {
    const deadlines: number[] = [];
    const run: RunCrictl = async ({ deadlineSeconds }, args) => {
      deadlines.push(deadlineSeconds);
      return { stdout: JSON.stringify(args.slice(4).map((id) => ({ status: { id, mounts: [] } }))) };
    };
    await createCrictl({ executable: 'crictl', readSeconds: 30, graceSeconds: 5 }, run).inspectContainers(ids);
    expect(deadlines).toEqual([135, 65]);
  });
});

describe('images that cannot be inspected', () => {
  const images = Array.from({ length: 450 }, (_, index) => buildImage(`docker.io/library/image:${index}`));
  const ids = images.map(({ id }) => id);

  /** Fails as crictl does at the first of the images that is damaged, for the reason given. */
  function createDamaged(damaged: readonly string[], reason = 'code = NotFound desc = content digest: not found') {
    const calls: (readonly string[])[] = [];
    const run: RunCrictl = async (_call, args) => {
      const asked = args.slice(3);
      calls.push(asked);
      const first = asked.find((id) => damaged.includes(id));
      const stderr = `time="x" level=fatal msg="image status for \\"${first}\\" request: rpc error: ${reason}"`;
      if (first !== undefined) return { problem: { kind: 'Exited', exitCode: 1, stderr } };
      return { stdout: JSON.stringify(asked.map((id) => ({ status: { id } }))) };
    };
    return { runtime: createCrictl({ executable: 'crictl', endpoint }, run), calls };
  }

  it('are left out, and the others are reported', async () => {
    const damaged = [ids[0], ids[250], ids[251]].filter((id) => id !== undefined);
    const { runtime, calls } = createDamaged(damaged);
    const details = await runtime.inspectImages(ids);
    expect(details.map(({ id }) => id)).toEqual(ids.filter((id) => !damaged.includes(id)));
    expect(calls).toHaveLength(6);
  });

  it('end the requests when there are very many of them', async () => {
    const { runtime, calls } = createDamaged(ids.slice(200));
    const details = await runtime.inspectImages(ids);
    expect(details.map(({ id }) => id)).toEqual(ids.slice(0, 200));
    expect(calls).toHaveLength(51);
  });

  it('are left out too if the runtime hangs with one, and end the requests if it hangs with several (H30)', async () => {
    const hangs = 'code = DeadlineExceeded desc = context deadline exceeded';
    const one = createDamaged(ids.slice(0, 1), hangs);
    expect(await one.runtime.inspectImages(ids)).toHaveLength(449);
    const all = createDamaged(ids, hangs);
    expect(await all.runtime.inspectImages(ids)).toEqual([]);
    expect(all.calls).toHaveLength(2);
  });

  it('are requested in smaller parts if their configurations are too long for one answer (H30)', async () => {
    const run: RunCrictl = async (_call, args) => {
      const asked = args.slice(3);
      if (asked.length > 60) return { problem: { kind: 'TooLong', bytes: 1 } };
      return { stdout: JSON.stringify(asked.map((id) => ({ status: { id } }))) };
    };
    const details = await createCrictl({ executable: 'crictl' }, run).inspectImages(ids);
    expect(details.map(({ id }) => id)).toEqual(ids);
  });

  it.each([['is down', 'code = Unavailable desc = connection error', 'connection error']])(
    'are none if the runtime %s: this fails immediately',
    async (_, reason, message) => {
      const { runtime, calls } = createDamaged(ids, reason);
      await expect(runtime.inspectImages(ids)).rejects.toThrow(message);
      expect(calls).toHaveLength(1);
    },
  );

  it('are none if crictl names none', async () => {
    const executable = await writeBrokenCrictl(directory, 'inspecti', 'fails');
    await expect(createCrictl({ executable, endpoint }).inspectImages([web.id])).rejects.toThrow('something broke');
  });
});

describe('removal', () => {
  it('has no message when the runtime accepts it', async () => {
    const answer = await createCrictl({ executable: simulatedCrictl, endpoint }).removeImages([old.id]);
    expect(answer).toEqual({ timedOut: false, complaints: [] });
    expect(readNode(endpoint).images).toEqual([web]);
  });

  it.each([
    { kind: 'InUse', timedOut: false, message: 'image is in use by a container' },
    { kind: 'Hangs', timedOut: true, message: 'DeadlineExceeded' },
  ] as const)(
    'reports the image that the runtime refuses, with the reason ($kind; T13, T16)',
    async ({ kind, timedOut, message }) => {
      writeNode(endpoint, buildSimulatedNode({ images: [web, { ...old, removal: { kind } }] }));
      const answer = await createCrictl({ executable: simulatedCrictl, endpoint, removeSeconds: 0.2 }).removeImages([
        web.id,
        old.id,
      ]);
      expect(answer).toEqual({
        timedOut,
        complaints: [{ imageId: old.id, message: expect.stringContaining(message) }],
      });
    },
  );

  it('does not throw when crictl is missing: an image may have been removed before', async () => {
    const answer = await createCrictl({ executable: '/nowhere/crictl' }).removeImages([web.id]);
    expect(answer).toEqual({ timedOut: false, complaints: [{ message: expect.stringContaining('was not found') }] });
  });

  it('that hangs is abandoned when a stop leaves no more time (H29)', async () => {
    const executable = await writeExecutable('sleep 3600');
    const ends = { stop: AbortSignal.timeout(50), giveUp: AbortSignal.timeout(100) };
    const answer = await createCrictl({ executable }).removeImages([web.id], new Map(), ends);
    expect(answer).toMatchObject({ timedOut: true });
    expect(answer.complaints[0]?.message).toContain('gave no answer within the time that a stop leaves');
  });

  it('counts as timed out when crictl itself hangs (T13)', async () => {
    const executable = await writeExecutable('sleep 3600');
    const answer = await createCrictl({ executable, removeSeconds: 0.25, graceSeconds: 0.25 }).removeImages([web.id]);
    expect(answer).toMatchObject({ timedOut: true });
  });
});
