import { readdir } from 'node:fs/promises';
import { readSetFiles } from '../../cleaner/set-files.ts';
import { compileSets, findInSets } from '../../cleaner/sets/policy-sets.ts';
import { buildJob } from './inventory.ts';

// Run as a process of its own, with a heap of its own: reads all image sets of a directory, to protect and to remove, and prints
// how many of 100 images they name, or why they can't be read.
const directory = process.argv[2] ?? '';
const names = await readdir(directory);
const job = buildJob({ images: { excludeFrom: names, removeFrom: names } });
const { excludeFrom, removeFrom } = compileSets(job, await readSetFiles(job, directory), Date.now());
const images = Array.from({ length: 100 }, (_, index) => ({
  id: `sha256:${index}`,
  names: [`quay.io/acme/x-${index}:1`],
}));
const count = (sets: typeof excludeFrom) => images.filter((image) => findInSets(sets, image) !== undefined).length;
console.log(excludeFrom[0]?.problem ?? `${count(excludeFrom)} protected, ${count(removeFrom)} removed`);
