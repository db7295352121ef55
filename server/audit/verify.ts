/** `npm run verify-audit [-- FILE]`: reports that every row of the audit log is unchanged, or the first row that is not. */
import { readFileSync } from 'node:fs';
import { dataFolderOf } from '~/shared/dataFolder';
import { pathProblem } from '~/shared/pathProblem';
import { auditPath, readRows } from './auditFile';
import { firstBroken } from './chain';

const file = process.argv[2] ?? auditPath(dataFolderOf(undefined, process.env));
try {
  const { rows } = readRows(readFileSync(file));
  const broken = firstBroken(null, rows);
  if (broken) throw new Error(`row ${broken.seq} was tampered with: ${broken.problem}`);
  console.log(`${file}: ${rows.length} rows, unbroken; the last hash is ${rows.at(-1)?.hash ?? 'none'}`);
} catch (error) {
  console.error(`verify-audit: FILE ${file}: ${pathProblem(error, 'read')}`);
  process.exitCode = 1;
}
