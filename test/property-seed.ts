import fc from 'fast-check';

/**
 * Plays the same examples of every property each time, so that a failure is that of a change. Others are played with another
 * seed. Of a failure, seed and path are printed with the smallest example found, to play it again.
 */
fc.configureGlobal({ seed: Number(process.env.NODESWEEP_SEED ?? 90) });
