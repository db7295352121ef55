import fs, { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { makeFolder } from '~/shared/dataFolder';
import { pathProblem } from '~/shared/pathProblem';
import { StartError } from './startError';

/** Makes a folder unless it is there. @throws StartError that names the field when this user cannot write into it */
export function needWritable(folder: string, field: string): void {
  try {
    makeFolder(folder, fs, path);
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new StartError(`${field} ${folder}: ${pathProblem(error, 'write')}`);
  }
}
