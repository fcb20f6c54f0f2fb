import { expect, it } from 'vitest';
import { BackgroundTasks } from '../../../scheduler/reconcile/background-tasks.ts';

function build() {
  const logged: string[] = [];
  const note = (_: object, message: string) => logged.push(message);
  return { logged, background: new BackgroundTasks({ info: note, warn: note, error: note }) };
}

it('a task does not start again while it runs, and can start again afterwards', async () => {
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

it('a task that fails does not affect others, and can start again', async () => {
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
