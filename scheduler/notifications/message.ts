import type { Finding } from './told.ts';

/** News of one policy. */
export type Notification = Finding & { readonly policy: string };

/** All news at one time, as one message. */
export interface Message {
  /** The name of the cluster for people, if it has one. */
  readonly cluster?: string | undefined;
  readonly namespace: string;
  readonly sentAt: Date;
  readonly notifications: readonly Notification[];
}

/** The formats of messages. */
export const messageFormats = ['json', 'slack', 'teams'] as const;
export type MessageFormat = (typeof messageFormats)[number];

/** The number of lines in a message for people: more are not read, and chats refuse long messages. */
const maxLines = 20;

/** The body of a request with a message. */
export function encodeMessage(message: Message, format: MessageFormat): string {
  switch (format) {
    case 'json':
      return JSON.stringify(plainMessage(message));
    case 'slack':
      return JSON.stringify(slackMessage(message));
    case 'teams':
      return JSON.stringify(teamsMessage(message));
    default:
      return format satisfies never;
  }
}

function plainMessage({ cluster, namespace, sentAt, notifications }: Message): object {
  return {
    version: 1,
    cluster,
    namespace,
    sentAt,
    notifications: notifications.map((notification) => ({
      policy: notification.policy,
      subject: notification.subject,
      status: notification.kind,
      reason: reasonOf(notification),
      message: notification.text,
    })),
  };
}

/** @see https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks */
function slackMessage(message: Message): object {
  const lines = linesOf(message).map(({ isWell, policy, text }) => {
    const mark = isWell ? ':white_check_mark:' : ':red_circle:';
    return policy === undefined ? escapeSlack(text) : `${mark} *${escapeSlack(policy)}* ${escapeSlack(text)}`;
  });
  return { text: [escapeSlack(titleOf(message)), ...lines].join('\n'), unfurl_links: false, unfurl_media: false };
}

/** Without these characters a text can't mention anybody or contain a link with another name. */
function escapeSlack(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/**
 * An Adaptive Card, as a workflow of Teams takes it. Text runs are not read as Markdown.
 * @see https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/add-incoming-webhook
 */
function teamsMessage(message: Message): object {
  const lines = linesOf(message).map(({ isWell, policy, text }) => ({
    type: 'RichTextBlock',
    inlines: [
      ...(policy === undefined
        ? []
        : [{ type: 'TextRun', text: `${policy} `, weight: 'Bolder', color: isWell ? 'Good' : 'Attention' }]),
      { type: 'TextRun', text },
    ],
  }));
  const title = { type: 'RichTextBlock', inlines: [{ type: 'TextRun', text: titleOf(message), weight: 'Bolder' }] };
  const content = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    msteams: { width: 'Full' },
    body: [title, ...lines],
  };
  const attachment = { contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content };
  return { type: 'message', attachments: [attachment] };
}

function titleOf({ cluster, namespace, notifications }: Message): string {
  const well = notifications.filter(({ kind }) => kind === 'Well').length;
  const bad = notifications.length - well;
  const counts = [
    ...(bad > 0 ? [`${bad} ${bad === 1 ? 'problem' : 'problems'}`] : []),
    ...(well > 0 ? [`${well} well again`] : []),
  ];
  const place = cluster === undefined ? `namespace ${namespace}` : `cluster ${cluster}, namespace ${namespace}`;
  return `nodesweep (${place}): ${counts.join(', ')}`;
}

interface Line {
  readonly isWell: boolean;
  /** Absent in the line about all that are left out. */
  readonly policy?: string | undefined;
  readonly text: string;
}

/** One line for each notification, the bad ones first, as many as people read. */
function linesOf({ notifications }: Message): readonly Line[] {
  const sorted = notifications.toSorted((one, other) => Number(one.kind === 'Well') - Number(other.kind === 'Well'));
  const lines = sorted.slice(0, maxLines).map((notification): Line => {
    const { policy, kind, text } = notification;
    return { isWell: kind === 'Well', policy, text: `${reasonOf(notification)}: ${text}` };
  });
  const left = sorted.length - lines.length;
  return left === 0 ? lines : [...lines, { isWell: false, text: `and ${left} more: see "nodesweep status"` }];
}

/** The reasons of subjects that are well again. */
const wellReasons = {
  Policy: 'PolicyValid',
  Run: 'RunSucceeded',
  Pause: 'RunNotPaused',
  Schedule: 'RunsInTime',
  Disk: 'DiskBelowTarget',
  ImageSets: 'ImageSetsReadable',
} as const satisfies Record<Finding['subject'], string>;

function reasonOf(finding: Finding): string {
  if (finding.kind === 'Well') return wellReasons[finding.subject];
  return finding.subject === 'Run' ? `Run${finding.state}` : finding.state;
}
