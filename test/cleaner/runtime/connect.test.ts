import { expect, it } from 'vitest';
import { connectRuntime } from '../../../cleaner/runtime/connect.ts';

it.each(['unix:///nowhere/docker.sock', '/nowhere/docker.sock', 'unix:///nowhere/user/1000/docker.sock'])(
  '%s is the socket of Docker Engine',
  async (endpoint) => {
    const runtime = await connectRuntime({ crictl: '/nowhere/crictl', endpoint });
    const path = endpoint.replace('unix://', '');
    await expect(runtime.listImages()).rejects.toThrow(`Docker Engine's socket ${path} does not exist`);
  },
);

it.each([
  undefined,
  'unix:///run/cri-dockerd.sock',
  '/run/containerd/containerd.sock',
  'unix:///run/docker.sock.d/crio.sock',
])('%s is for crictl', async (endpoint) => {
  const runtime = await connectRuntime({ crictl: '/nowhere/crictl', endpoint });
  await expect(runtime.listImages()).rejects.toThrow('/nowhere/crictl was not found');
});
