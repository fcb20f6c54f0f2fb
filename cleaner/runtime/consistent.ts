const maxAttempts = 5;

/**
 * Reads a list, and then what belongs to its entries. An entry may come or go between the two, which makes the second
 * step fail: then both are read again, until they succeed or the list is the same as before, so that the failure is real.
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
