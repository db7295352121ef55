import { statfs } from 'node:fs/promises';

/** File systems whose files are on another machine, by their number in Linux (statfs(2)). */
const networked = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x01021997, '9P'],
  [0x5346414f, 'AFS'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
]);

/**
 * A warning when the data folder is on a network file system: the locks and syncs on which the database relies are often
 * unreliable there.
 */
export async function networkFolderWarning(
  folder: string,
  typeOf = async (f: string) => (await statfs(f)).type,
): Promise<string | null> {
  const name = networked.get((await typeOf(folder)) >>> 0);
  return name === undefined
    ? null
    : `HEADROOM_DATA: ${folder} is on a network file system (${name}), where locks and syncs may not hold: the database can be damaged. Use a folder on a disk of this machine, and \`headroom backup\` to copy it away`;
}
