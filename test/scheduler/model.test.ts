import fc from 'fast-check';
import { expect, it } from 'vitest';
import { history } from './model-history.ts';
import { play } from './model-play.ts';

/** CI plays more histories. A history that failed is played again with its path. */
const { NODESWEEP_MODEL_HISTORIES: histories = 3_000, NODESWEEP_MODEL_PATH: path } = process.env;

/*
 * The real flow, from policy to pods, is played through random histories of a simulated cluster: scheduled times pass,
 * policies are edited, suspended, broken, deleted, nodes come and go, pods meet every fate, calls fail, are slow, or lose
 * their answer, watches are late, and schedulers are killed after any call, two of them at once.
 */
it('no sequence of events repeats or misses a scheduled run, creates too many pods on nodes, stops a run permanently, or leaves objects behind (C1, C3-C13, C15-C24, C26-C32)', {
  timeout: 1_800_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(history, async (story) => {
      expect(await play(story)).toEqual([]);
    }),
    {
      numRuns: Number(histories),
      ...(path === undefined ? {} : { path }),
    },
  );
});
