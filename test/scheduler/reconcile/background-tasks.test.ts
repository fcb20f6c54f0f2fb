import { expect, it } from 'vitest';
import { BackgroundTasks } from '../../../scheduler/reconcile/background-tasks.ts';

function build() {
  const logged: string[] = [];
  const note = (_: object, message: string) => logged.push(message);
  return { logged, background: new BackgroundTasks({ info: note, warn: note, error: note }) };
}

it('a piece of work is not begun again while it is under way, and can be afterwards', async () => {
  const { background } = build();
  const gate = Promise.withResolvers<void>();
  let begun = 0;
  const work = () => {
    begun += 1;
    return gate.promise;
  };
  background.begin('a', work);
  background.begin('a', work);
  background.begin('b', work);
  expect(begun).toBe(2);
  gate.resolve();
  await background.finish();
  background.begin('a', work);
  expect(begun).toBe(3);
});

it('one that fails is said to be begun again, disturbs nobody, and can be', async () => {
  const { background, logged } = build();
  const fail = async () => {
    throw new Error('503: busy');
  };
  background.begin('delete the pods of run x', fail);
  await background.finish();
  expect(logged).toEqual(['could not delete the pods of run x yet, trying again: Error: 503: busy']);
  background.begin('delete the pods of run x', fail);
  await background.finish();
  expect(logged).toHaveLength(2);
});
