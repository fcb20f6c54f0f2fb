import { posix } from 'node:path';
import { type CheckOptions, checkContent, isChecked } from '../checking/checks.ts';
import { readWhole } from '../file/read-file.ts';
import { readContent } from '../reading/content.ts';
import type { Criteria } from '../reading/select.ts';
import type { SetBefore, SetContent, SetSource } from '../source.ts';
import { parseAddress, showAddress } from './address.ts';
import { Downloader, type DownloadOptions } from './download.ts';
import { DownloadError } from './download-error.ts';

export interface UrlSourceOptions extends DownloadOptions {
  readonly address: string;
  readonly criteria: Criteria;
  readonly checks: CheckOptions;
}

/** An address with lines or reports. */
export class UrlSource implements SetSource {
  readonly description: string;
  readonly #options: UrlSourceOptions;
  readonly #url: URL;

  /** Throws an AddressError if the address can't be used. */
  constructor(options: UrlSourceOptions) {
    this.#options = options;
    this.#url = parseAddress(options.address, options.isHttpAllowed);
    this.description = showAddress(this.#url);
  }

  async read(_: SetBefore, signal: AbortSignal): Promise<SetContent> {
    const { address, checks, criteria } = this.#options;
    const downloader = await Downloader.open(address, this.#options);
    try {
      const { bytes, isDelimited } = await downloader.download(address, signal);
      if (!isDelimited && !isChecked(checks))
        throw new DownloadError(
          'the answer has no length, so nobody knows if it is complete: give a checksum or a signature, or let the server send Content-Length',
        );
      const fileName = posix.basename(decodeURIComponent(this.#url.pathname));
      await checkContent(bytes, checks, fileName, (place) => this.#readSignature(downloader, place, signal));
      return { entries: readContent(bytes, criteria) };
    } finally {
      await downloader.close();
    }
  }

  async #readSignature(downloader: Downloader, place: string, signal: AbortSignal): Promise<Uint8Array> {
    if (!/^https?:/i.test(place)) return readWhole(place, this.#options.maxBytes, signal);
    return (await downloader.download(place, signal)).bytes;
  }
}
