import fc from 'fast-check';
import { expect, it } from 'vitest';
import { listHistory } from './history.ts';
import { playLists } from './play.ts';

/** As for the model of cleaning. A history of lists takes longer, so there are fewer. */
const { NODESWEEP_MODEL_HISTORIES: histories = 3_000, NODESWEEP_LIST_MODEL_PATH: path } = process.env;
const share = 1 / 15;

/*
 * The real flow, from policies of image lists to pods, is played through random histories of a simulated cluster: lists are
 * edited, broken, suspended, purged and deleted, nodes come, go and change their labels, registries refuse, throttle and
 * hang, images vanish and are used, held pods are deleted, another policy cleans the nodes, and the schedulers meet all the
 * disturbances of the model of cleaning.
 */
it('no sequence of events makes a cleaner remove what a list wants, gives a node two pullers at once, passes a limit, calls an image present that is not there, loses an image, or leaves something behind (P1, P2, P5, P7, P9, P10, P11, P12, P13, P14, P15, P18, P19, P21, P23, P24)', {
  timeout: 1_800_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(listHistory, async (story) => {
      expect(await playLists(story)).toEqual([]);
    }),
    {
      numRuns: Math.ceil(Number(histories) * share),
      ...(path === undefined ? {} : { path }),
    },
  );
});
