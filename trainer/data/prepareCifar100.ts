/** `npm run data:cifar100`: CIFAR-100 for `--images cifar100`. */

import { resolve } from 'node:path';
import { dataFolderOf } from '~/shared/dataFolder';
import { ArchiveError, cifar100, prepareCifar100 } from './cifar100';
import { DownloadError } from './download';
import { readFlags, UsageError } from './flags';
import { prepareCommand } from './prepared';
import { ProgressLine } from './progressLine';

const help = `npm run data:cifar100 -- [flags]

  --from PATH     the archive, or a folder with its files, on this machine; nothing is downloaded then
  --url URL       where to download it (HEADROOM_CIFAR100_URL, else ${cifar100.url})
  --md5 HEX       MD5 of the archive, or none (${cifar100.md5})
  --data FOLDER   where it is put (HEADROOM_DATA, else .headroom)
  --help          this text

About 170 MB to download, 185 MB on disk. A download that broke off goes on where it stopped.`;

async function main(args: string[]): Promise<void> {
  const flags = readFlags(args, {
    from: { type: 'string' },
    url: { type: 'string' },
    md5: { type: 'string' },
    data: { type: 'string' },
    help: { type: 'boolean' },
  });
  if (flags.help) return console.log(help);
  const md5 = (flags.md5 ?? cifar100.md5).toLowerCase();
  if (md5 !== 'none' && !/^[0-9a-f]{32}$/.test(md5)) throw new UsageError(`--md5: "${flags.md5}" is not 32 hex digits, nor none`);
  if (flags.from !== undefined && flags.url !== undefined) throw new UsageError('--from and --url: give one of the two');
  const dataFolder = resolve(dataFolderOf(flags.data, process.env));
  const facts = await prepareCifar100({
    dataFolder,
    from: flags.from ?? null,
    url: flags.url ?? (process.env.HEADROOM_CIFAR100_URL || cifar100.url),
    md5: md5 === 'none' ? null : md5,
    progress: new ProgressLine(process.stderr),
  });
  console.log(
    `${facts.title}: ${facts.train.count} training and ${facts.test.count} test pictures of ${facts.classNames.length} classes in ${dataFolder}`,
  );
  console.log(`Next, their features: ${prepareCommand('features', 'cifar100', dataFolder)}`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const known = error instanceof UsageError || error instanceof DownloadError || error instanceof ArchiveError;
  const { code, message } = error as NodeJS.ErrnoException;
  console.error(known || code !== undefined ? message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
});
