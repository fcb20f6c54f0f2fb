import { type Command, InvalidArgumentError, Option } from 'commander';
import type { HarborOptions } from '../../sets/harbor/open.ts';
import { type Severity, severities } from '../../sets/reasons/severities.ts';
import type { CommandContext } from '../context.ts';
import { addSetOptions, runSet, type SetFlags, setHelp } from './options.ts';
import { parseDuration, parserOfList } from './values.ts';

interface HarborFlags extends SetFlags {
  readonly project: readonly string[];
  readonly severity?: readonly Severity[];
  readonly fixable: boolean;
  readonly gone: boolean;
  readonly maxGonePercent: number;
  /** Milliseconds. */
  readonly expire: number;
  readonly registry?: string;
  readonly usernameFile?: string;
  readonly passwordFile?: string;
  readonly caFile?: string;
  readonly allowHttp: boolean;
}

const defaultExpire = '30d';

/** Adds `nodesweep set harbor`: a set from the scans of Harbor, and from what it has deleted. */
export function addSetHarbor(parent: Command, context: CommandContext): void {
  const command = parent
    .command('harbor')
    .description('write an image set of the images that are vulnerable by the scans of Harbor, or that it has deleted')
    .argument('<address>', 'address of Harbor, such as https://harbor.example.com');
  addSetOptions(addConnectionOptions(addImageOptions(command)))
    .addHelpText('after', harborHelp)
    .action(async (address: string, flags: HarborFlags) => {
      refuseCombinations(command, flags);
      const { openHarbor } = await import('../../sets/harbor/open.ts');
      await runSet('harbor', flags, context, ({ environment, readClock }) =>
        openHarbor({ ...readHarborOptions(address, flags), environment, readClock }),
      );
    });
}

/** Adds the options that select images. */
function addImageOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--severity <list>',
        'images with vulnerabilities of these severities, such as CRITICAL,HIGH',
      ).argParser(parserOfList(severities)),
    )
    .option('--fixable', 'with --severity: only vulnerabilities with a fix count', false)
    .option('--gone', 'images that Harbor has deleted since an earlier look, or that their tag has left', false)
    .addOption(
      new Option('--max-gone-percent <percent>', 'with --gone: write nothing if more images are gone at once')
        .argParser(parsePercent)
        .default(20, '20'),
    )
    .addOption(
      new Option('--expire <duration>', 'with --gone: time for which such an image stays in the set')
        .argParser(parseDuration)
        .default(parseDuration(defaultExpire), defaultExpire),
    )
    .option('--project <project>', 'only images of this project; may be repeated', collect, []);
}

function addConnectionOptions(command: Command): Command {
  return command
    .option(
      '--registry <host>',
      'with --gone: host in the names of images on nodes (default: the one that Harbor tells)',
    )
    .option('--username-file <file>', 'file with the name of the account')
    .option('--password-file <file>', 'file with the password of the account')
    .option('--ca-file <file>', 'certificates of authorities, in PEM, in addition to those of the system')
    .option('--allow-http', 'allow an address with http://', false);
}

const harborHelp = `
Examples:
  nodesweep set harbor https://harbor.example.com --name vulnerable --severity CRITICAL --fixable \\
    --username-file /secret/username --password-file /secret/password
  nodesweep set harbor https://harbor.example.com --name gone --gone --project team-a

Credentials go to this address alone: the command follows no redirect.
Environment of the connection: HTTPS_PROXY, HTTP_PROXY, NO_PROXY
${setHelp}`;

/** All problems of options together. The error ends the command with exit code 2. */
function refuseCombinations(command: Command, flags: HarborFlags): void {
  const problems = findCombinationProblems(flags);
  if (problems.length > 0) command.error(`error: ${problems.join('\nerror: ')}`, { exitCode: 2 });
}

function findCombinationProblems(flags: HarborFlags): readonly string[] {
  const { severity, fixable, gone, output, usernameFile, passwordFile } = flags;
  const isOnlyOne = (usernameFile === undefined) !== (passwordFile === undefined);
  return [
    ...(severity === undefined && !gone ? ['say which images belong to the set, with --severity or --gone'] : []),
    ...(severity === undefined && fixable ? ['--fixable needs --severity'] : []),
    ...(gone && output !== undefined
      ? ['--gone needs the set in the cluster, which remembers the last look: omit --output']
      : []),
    ...(isOnlyOne ? ['give both --username-file and --password-file, or none'] : []),
  ];
}

function readHarborOptions(address: string, flags: HarborFlags): Omit<HarborOptions, 'environment' | 'readClock'> {
  const { severity, fixable, gone, usernameFile, passwordFile } = flags;
  const hasAccount = usernameFile !== undefined && passwordFile !== undefined;
  return {
    url: address,
    projects: flags.project,
    criteria: severity && { severities: severity, fixable },
    gone: gone ? { maxPercent: flags.maxGonePercent, keepMs: flags.expire } : undefined,
    registry: flags.registry,
    credentials: hasAccount ? { usernameFile, passwordFile } : undefined,
    caFile: flags.caFile,
    allowHttp: flags.allowHttp,
  };
}

function collect(text: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, text];
}

function parsePercent(text: string): number {
  const percent = Number(text);
  if (!/^\d{1,3}$/.test(text) || percent > 100)
    throw new InvalidArgumentError('It must be a whole number from 0 to 100.');
  return percent;
}
