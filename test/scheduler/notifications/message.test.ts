import { describe, expect, it } from 'vitest';
import {
  encodeMessage,
  type Message,
  messageFormats,
  type Notification,
} from '../../../scheduler/notifications/message.ts';
import { start } from '../../helpers/builders.ts';

const failed: Notification = {
  policy: 'nightly',
  subject: 'Run',
  kind: 'Bad',
  state: 'Failed',
  text: 'node-1: <!channel> & *no*',
};
const well: Notification = { policy: 'disk', subject: 'Disk', kind: 'Well', text: 'no disk is above' };

function build(notifications: readonly Notification[], fields: Partial<Message> = {}): Message {
  return { namespace: 'nodesweep', sentAt: start, notifications, ...fields };
}

const encode = (message: Message, format: 'json' | 'slack' | 'teams') => JSON.parse(encodeMessage(message, format));

describe('a message (H62)', () => {
  it('in plain JSON has all facts', () => {
    expect(encode(build([failed, well], { cluster: 'prod' }), 'json')).toEqual({
      version: 1,
      cluster: 'prod',
      namespace: 'nodesweep',
      sentAt: '2026-03-02T10:00:00.000Z',
      notifications: [
        { policy: 'nightly', subject: 'Run', status: 'Bad', reason: 'RunFailed', message: 'node-1: <!channel> & *no*' },
        { policy: 'disk', subject: 'Disk', status: 'Well', reason: 'DiskBelowTarget', message: 'no disk is above' },
      ],
    });
  });

  it('for Slack is a text in which words of others can not mention anybody, the bad news first', () => {
    expect(encode(build([well, failed]), 'slack')).toEqual({
      text: [
        'nodesweep (namespace nodesweep): 1 problem, 1 well again',
        ':red_circle: *nightly* RunFailed: node-1: &lt;!channel&gt; &amp; *no*',
        ':white_check_mark: *disk* DiskBelowTarget: no disk is above',
      ].join('\n'),
      unfurl_links: false,
      unfurl_media: false,
    });
  });

  it('for Teams is an Adaptive Card with plain texts', () => {
    const { type, attachments } = encode(build([failed], { cluster: 'prod' }), 'teams');
    expect(type).toBe('message');
    const [{ contentType, content }] = attachments;
    expect(contentType).toBe('application/vnd.microsoft.card.adaptive');
    expect(content).toMatchObject({ type: 'AdaptiveCard', version: '1.4' });
    const texts = content.body.map(({ inlines }: { inlines: { text: string }[] }) =>
      inlines.map(({ text }) => text).join(''),
    );
    expect(texts).toEqual([
      'nodesweep (cluster prod, namespace nodesweep): 1 problem',
      'nightly RunFailed: node-1: <!channel> & *no*',
    ]);
    expect(new Set(content.body.map((block: { type: string }) => block.type))).toEqual(new Set(['RichTextBlock']));
  });

  it.each(messageFormats)('in the format %s stays below the limits of its receiver in a storm', (format) => {
    const storm = Array.from({ length: 500 }, (_, index) => ({
      ...failed,
      policy: `policy-${index}`,
      text: 'é'.repeat(300),
    }));
    const body = encodeMessage(build(storm), format);
    if (format === 'json') return expect(JSON.parse(body).notifications).toHaveLength(500);
    expect(body).toContain('and 480 more');
    // Teams refuses more than 28 KB.
    expect(Buffer.byteLength(body)).toBeLessThan(28_000);
  });
});
