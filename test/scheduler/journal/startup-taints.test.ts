import { beforeEach, expect, it } from 'vitest';
import { StartupTaints } from '../../../scheduler/journal/startup-taints.ts';
import type { Opening } from '../../../scheduler/run/startup.ts';
import { buildNode, secondsLater, start } from '../../helpers/builders.ts';

const opening: Opening = { cause: 'Served' };
const node = buildNode('a', { createdAt: start });
let taints: StartupTaints;

beforeEach(() => {
  taints = new StartupTaints();
});

it('a removal that fails is tried again after pauses of at most five minutes, and its error is new only once (P22)', () => {
  let now = start;
  const pauses: number[] = [];
  const news: boolean[] = [];
  for (let count = 0; count < 9; count += 1) {
    news.push(taints.noteFailure(node, { opening, words: 'refused' }, now));
    const from = now;
    while (taints.isHeld(node, now)) now = secondsLater(1, now);
    pauses.push((now.getTime() - from.getTime()) / 1_000);
  }
  expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300]);
  expect(news).toEqual([true, ...Array(8).fill(false)]);
  expect(taints.errors()).toEqual(['refused']);
  expect(taints.noteRemoval(node, now)).toBe(false);
  expect(taints.errors()).toEqual([]);
});

it('a taint that comes back is left alone for longer each time, but not on another node of the same name (P22)', () => {
  expect([0, 1, 2].map((seconds) => taints.noteRemoval(node, secondsLater(seconds)))).toEqual([false, true, true]);
  expect(taints.isHeld(node, secondsLater(21))).toBe(true);
  expect(taints.isHeld(node, secondsLater(22))).toBe(false);
  const other = buildNode('a', { createdAt: secondsLater(4) });
  expect(taints.isHeld(other, secondsLater(5))).toBe(false);
  expect(taints.noteRemoval(other, secondsLater(5))).toBe(false);
});

it('no pause is longer than it was meant to be after the clock has stepped back (H34)', () => {
  taints.noteFailure(node, { opening, words: 'refused' }, start);
  taints.noteTimeout('nightly', { node: 'a', message: 'words' });
  taints.takeReports(start);
  taints.noteTimeout('nightly', { node: 'a', message: 'words' });
  const before = secondsLater(-86_400);
  expect(taints.isHeld(node, before)).toBe(false);
  expect(taints.takeReports(before)).toHaveLength(1);
});

it('the nodes of a minute are reported together, for each policy (P22)', () => {
  const report = (seconds: number) =>
    taints.takeReports(secondsLater(seconds)).map(({ policy, nodes }) => `${policy}: ${nodes.map((one) => one.node)}`);
  taints.noteTimeout('nightly', { node: 'a', message: 'words' });
  taints.noteTimeout('other', { node: 'a', message: 'words' });
  expect(report(0)).toEqual(['nightly: a', 'other: a']);
  for (const name of ['b', 'c']) taints.noteTimeout('nightly', { node: name, message: 'words' });
  expect(report(59)).toEqual([]);
  expect(taints.isOpen()).toBe(true);
  expect(report(60)).toEqual(['nightly: b,c']);
  expect(taints.isOpen()).toBe(false);
});

it('nodes and policies that are gone are forgotten (H31)', () => {
  taints.noteFailure(node, { opening, words: 'refused' }, start);
  taints.noteTimeout('nightly', { node: 'a', message: 'words' });
  taints.retain(new Set(), new Set());
  expect(taints.errors()).toEqual([]);
  expect(taints.isOpen()).toBe(false);
});
