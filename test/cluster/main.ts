import { join } from 'node:path';
import { execaSync } from 'execa';
import { buildAll } from './binaries.ts';
import { cacheDirectory } from './cache.ts';
import { MIXED_NODES, openCluster, startCluster, stopCluster } from './cluster.ts';
import { installPackages } from './packages.ts';
import { bringProductImage } from './product.ts';
import { progress } from './progress.ts';

const directory = join(cacheDirectory(), 'cluster');
const commands: Readonly<Record<string, () => Promise<void>>> = { build, up, image, down };
const command = commands[process.argv[2] ?? ''];
if (command === undefined) {
  progress('usage: node test/cluster/main.ts build|up|image|down');
  process.exit(2);
}
await command();

async function build(): Promise<void> {
  await installPackages();
  await buildAll();
  progress(`All that the end-to-end tests take is in ${cacheDirectory()}`);
}

async function up(): Promise<void> {
  stopOnSignal();
  await installPackages();
  const { kubeconfig } = await startCluster({ nodes: MIXED_NODES, directory, survives: true });
  progress('The cluster is up. To use it:');
  console.log(`export KUBECONFIG=${kubeconfig}`);
  progress('To look around: kubectl get nodes. To bring the product to it: npm run cluster:image,');
  progress('then kubectl apply -k manifests. To stop it: npm run cluster:down');
}

async function image(): Promise<void> {
  await bringProductImage(await openCluster(directory));
  progress('Every node has the image. To install: kubectl apply -k manifests, or as README.md shows it with Helm');
}

async function down(): Promise<void> {
  await stopCluster(directory);
  progress(`The cluster is down. Its logs are in ${join(directory, 'logs')}`);
}

/** An interrupted start leaves nothing running. It stands still meanwhile, or it would go on starting servers. */
function stopOnSignal(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      execaSync(process.execPath, [import.meta.filename, 'down'], { stdio: 'inherit' });
      process.exit(130);
    });
  }
}
