import { describe, expect, it } from 'vitest';
import { openProgressView } from '../../../cli/live/progress-view.ts';
import { settled, started, waiting } from '../../../scheduler/run/progress.ts';
import { buildRun, tried } from '../../helpers/builders.ts';

const running = (done: boolean) => {
  const a = done ? settled(tried(1), 'Succeeded') : started(waiting, 0);
  return {
    run: buildRun(
      {},
      {
        startedAt: new Date(),
        nodes: new Map([
          ['a', a],
          ['b', waiting],
        ]),
      },
    ),
    pods: [],
  };
};

function openView(columns?: number) {
  const written: string[] = [];
  return { written, view: openProgressView({ columns, hasColors: false }, (text) => written.push(text)) };
}

describe('the progress of a run', () => {
  it('is a line for each change in a pipe, without anything for terminals', () => {
    const { view, written } = openView();
    for (const done of [false, false, true, true]) view.show(running(done), 1_000);
    view.end();
    expect(written).toEqual([
      '0 of 2 nodes: 0 succeeded, 0 failed, 0 skipped; 0 images removed, 0 B freed\n',
      '1 of 2 nodes: 1 succeeded, 0 failed, 0 skipped; 0 images removed, 0 B freed\n',
    ]);
  });

  it('is one line on a terminal, which is replaced, and removed at the end', () => {
    const { view, written } = openView(120);
    for (const done of [false, true]) view.show(running(done), 1_000);
    view.end();
    expect(written.every((text) => text.startsWith('\r\u001b[2K') && !text.includes('\n'))).toBe(true);
    expect(written[1]).toMatch(/about \S+ left; 1 of 2 nodes: 1 succeeded/);
    expect(written.at(-1)).toBe('\r\u001b[2K');
  });

  it('is never wider than the terminal, so that it stays one line', () => {
    const { view, written } = openView(30);
    view.show(running(true), 1_000);
    expect(written[0]?.replace('\r\u001b[2K', '')).toHaveLength(29);
  });

  it('tells after ten seconds that the run has not started', () => {
    const { view, written } = openView();
    for (const waitedMs of [9_000, 10_000, 11_000]) view.show({ run: undefined, pods: [] }, waitedMs);
    expect(written).toEqual([expect.stringMatching(/^not started yet: /)]);
  });
});
