import { expect, it } from 'vitest';
import { messageOf } from '../../contract/errors.ts';

it.each([
  [new TypeError('no such file'), 'no such file'],
  ['a text', 'a text'],
  [undefined, 'undefined'],
  [404, '404'],
])('the message of %o is "%s"', (error, message) => {
  expect(messageOf(error)).toBe(message);
});
