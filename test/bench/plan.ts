// Prints the CPU time in milliseconds that a process takes for its first plan, from the lists of the runtime, already parsed.
import { decide } from '../../cleaner/decide.ts';
import { updateHistory } from '../../cleaner/history/history.ts';
import { createUsageReader } from '../../cleaner/runtime/inventory.ts';
import {
  buildContainer,
  buildHistory,
  buildImage,
  buildInventory,
  buildJob,
  buildRunHistory,
  buildRuntime,
  now,
} from '../helpers/inventory.ts';

const digest = (index: number) => `sha256:${String(index).padStart(64, '0')}`;
const images = Array.from({ length: 5_000 }, (_, index) => {
  const repository = `registry.example.com/team-${index % 20}/service-${index % 500}`;
  return buildImage([`${repository}:1.${index}.0`, `${repository}@${digest(index)}`], { id: digest(index) });
});
const containers = images
  .slice(0, 2_000)
  .map((image, index) =>
    buildContainer(image, { id: `c${index}`, references: [...image.names.slice(0, 1), image.id] }),
  );
const runtime = buildRuntime({
  images,
  containers,
  inspectContainers: async (ids) => ids.map((id) => ({ id, mountedImages: [] })),
  inspectImages: async (ids) => ids.map((id, index) => ({ id, builtAt: index })),
});
const job = buildJob({
  images: { exclude: ['**/base:*', 'registry.example.com/team-3/**'], keepNewestPerRepository: 2 },
});
const history = updateHistory(buildHistory(), buildInventory({ images }), now - 1e9);

const startedAt = process.cpuUsage();
const { plan } = await decide(job, {
  runtime,
  readUsage: createUsageReader(runtime, undefined),
  ownReferences: [],
  history: buildRunHistory(history),
  measureDisk: async () => undefined,
});
const { user, system } = process.cpuUsage(startedAt);
if (plan.removals.length !== 1_900)
  throw new Error(`the plan is another one: it removes ${plan.removals.length} images`);
console.log((user + system) / 1_000);
