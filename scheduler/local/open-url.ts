import { execa } from 'execa';

const openers: Readonly<Partial<Record<NodeJS.Platform, readonly [command: string, ...args: string[]]>>> = {
  darwin: ['open'],
  // `start` is a command of cmd.exe; its first argument is the title of a window.
  win32: ['cmd', '/c', 'start', ''],
};

/** Opens an address with the program of the desktop. Rejects if there is none. */
export async function openUrl(url: string): Promise<void> {
  const [command, ...args] = openers[process.platform] ?? ['xdg-open'];
  await execa(command, [...args, url], { stdio: 'ignore', timeout: 10_000 });
}
