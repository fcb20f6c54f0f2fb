import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';
import { addContentOptions, type ContentFlags, contentHelp, readContentOptions } from './content-options.ts';
import { addSetOptions, runSet, type SetFlags, setHelp } from './options.ts';

interface Flags extends SetFlags, ContentFlags {
  readonly headerFile?: string;
  readonly tokenFile?: string;
  readonly caFile?: string;
  readonly allowHttp: boolean;
}

/** Adds `nodesweep set url`: a set from an address. */
export function addSetUrl(parent: Command, context: CommandContext): void {
  const command = parent
    .command('url')
    .description('write an image set from an address with lines, or with reports of a scanner')
    .argument('<url>', 'an address that begins with https://');
  addSetOptions(addConnectionOptions(addContentOptions(command)))
    .addHelpText('after', urlHelp)
    .action(async (address: string, flags: Flags) => {
      const content = readContentOptions(command, flags);
      const { UrlSource } = await import('../../sets/download/source.ts');
      const { headerFile, tokenFile, caFile, allowHttp: isHttpAllowed } = flags;
      const options = { address, ...content, headerFile, tokenFile, caFile, isHttpAllowed };
      await runSet('url', flags, context, ({ environment, log, readClock }) => {
        const onRetry = (message: string) => log.warn({ event: 'retry' }, message);
        return new UrlSource({ ...options, environment, readClock, onRetry });
      });
    });
}

function addConnectionOptions(command: Command): Command {
  return command
    .option('--token-file <file>', 'file with a token, which is sent to the host of the address alone')
    .option(
      '--header-file <file>',
      'file with lines like "Name: value", which are sent to the host of the address alone',
    )
    .option('--ca-file <file>', 'certificates of authorities, in PEM, in addition to those of the system')
    .option('--allow-http', 'accept an address without TLS; everybody on the way can change the set', false);
}

const urlHelp = `${contentHelp}

Redirects are followed at most 5 times, and not from https to http. Failures that may pass are tried again.
HTTP_PROXY, HTTPS_PROXY and NO_PROXY name a proxy.
${setHelp}`;
