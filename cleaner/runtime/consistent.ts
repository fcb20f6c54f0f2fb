const maxAttempts = 5;

/**
 * Reads a list, and then details of its entries. The second step may fail because an entry came or went in between. Then
 * both are read again until they succeed, or until the list did not change, so that the failure is real.
 */
export async function readConsistently<List, Result>(
  readList: () => Promise<List>,
  idsOf: (list: List) => readonly string[],
  readRest: (list: List) => Promise<Result>,
): Promise<Result> {
  let previous: string | undefined;
  for (let attempt = 1; ; attempt++) {
    const list = await readList();
    try {
      return await readRest(list);
    } catch (error) {
      const current = idsOf(list).join();
      if (current === previous || attempt === maxAttempts) throw error;
      previous = current;
    }
  }
}
