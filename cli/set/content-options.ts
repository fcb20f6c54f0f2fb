import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CheckOptions } from '../../sets/checking/checks.ts';
import type { Criteria } from '../../sets/reading/select.ts';
import { type Severity, severities } from '../../sets/reasons/severities.ts';
import { parserOfList } from './values.ts';

/** The options about a content: which images of reports belong to the set, and how the content is checked. */
export interface ContentFlags extends CheckOptions {
  readonly severity: readonly Severity[];
  readonly fixable: boolean;
  readonly endOfLife: boolean;
  /** Bytes. */
  readonly maxSize: number;
}

/** The options of a content, parsed. */
export interface ContentOptions {
  readonly criteria: Criteria;
  readonly checks: CheckOptions;
  readonly maxBytes: number;
}

export const contentHelp = `
The content is one image a line, as in an image set, or reports of Trivy (JSON or SARIF) or Grype (JSON or SARIF): one, a list,
or one after another. The options --severity, --fixable and --end-of-life select images from reports.`;

const unitBytes: Readonly<Record<string, number>> = { '': 1, Ki: 1024, Mi: 1024 ** 2 };
/** JSON in memory takes many times its size. */
const maxMaxBytes = 512 * 1024 ** 2;

/** Adds the options of {@link ContentFlags}. */
export function addContentOptions(command: Command): Command {
  return addCheckOptions(addSelectionOptions(command)).addOption(
    new Option('--max-size <size>', 'maximum size of the content, such as 64Mi')
      .argParser(parseSize)
      .default(32 * 1024 ** 2, '32Mi'),
  );
}

function addSelectionOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--severity <list>', 'of reports: images with findings of these severities, such as CRITICAL,HIGH')
        .argParser(parserOfList(severities))
        .default(['CRITICAL'], 'CRITICAL'),
    )
    .option('--fixable', 'of reports: count only findings for which there is a fix', false)
    .option('--end-of-life', 'of reports: also images of a distribution at the end of its life', false);
}

function addCheckOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--sha256 <hex>', 'write the set only if the content has this SHA-256 checksum').argParser(parseHex),
    )
    .addOption(
      new Option('--sha256-file <file>', 'the same, with the checksum in a file, as sha256sum writes it').conflicts(
        'sha256',
      ),
    )
    .option(
      '--public-key <file>',
      'write the set only if the content has a signature by this key, in PEM: Ed25519, ECDSA or RSA',
    )
    .option(
      '--signature <place>',
      'file or address of the detached signature, as openssl dgst -sign or cosign sign-blob writes it',
    );
}

/** The options of a content as its source takes them. Ends the command if options are missing that belong together. */
export function readContentOptions(command: Command, flags: ContentFlags): ContentOptions {
  const { severity, fixable, endOfLife, sha256, sha256File, publicKey, signature, maxSize } = flags;
  if ((publicKey === undefined) !== (signature === undefined))
    command.error('error: --public-key and --signature belong together; give both', { exitCode: 2 });
  return {
    criteria: { severities: severity, isFixableOnly: fixable, isEndOfLife: endOfLife },
    checks: { sha256, sha256File, publicKey, signature },
    maxBytes: maxSize,
  };
}

function parseHex(text: string): string {
  if (!/^(?:sha256:)?[0-9a-f]{64}$/i.test(text)) throw new InvalidArgumentError('It must have 64 hexadecimal digits.');
  return text;
}

function parseSize(text: string): number {
  const [, count, unit = ''] = /^([1-9]\d{0,9})(|Ki|Mi)$/.exec(text) ?? [];
  const bytes = Number(count) * (unitBytes[unit] ?? Number.NaN);
  if (Number.isNaN(bytes) || bytes > maxMaxBytes)
    throw new InvalidArgumentError('It must be a number of bytes, such as 500Ki or 64Mi, up to 512Mi.');
  return bytes;
}
