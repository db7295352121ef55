import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { networkFolderWarning } from '~/server/base/networkFolder';

it('a data folder on a network file system is warned of by its name, one on a disk is not', async () => {
  expect(await networkFolderWarning('/data', async () => 0x6969)).toBe(
    'HEADROOM_DATA: /data is on a network file system (NFS), where locks and syncs may not hold: the database can be damaged. Use a folder on a disk of this machine, and `headroom backup` to copy it away',
  );
  // Node gives numbers above 2^31 as they are, or negative.
  expect(await networkFolderWarning('/data', async () => 0xfe534d42 | 0)).toContain('(SMB)');
  expect(await networkFolderWarning(tmpdir())).toBeNull();
});
