/** A text as numbers: its characters, their ids, and its parts for training, validation and test. */
import { readFile, realpath, stat } from 'node:fs/promises';
import { basename, extname, resolve } from 'node:path';
import { hashOf } from '~/trainer/base/hash';
import type { Split } from '~/trainer/base/splits';
import { builtinText } from './builtin';

export interface Corpus {
  /** Title of the text, for people. */
  title: string;
  /** The different characters in code-point order; a character's id is its index. */
  characters: string[];
  /** Ids of the parts, in the order of the text: the first 90 % for training, then 5 % for validation and 5 % for test. */
  parts: Record<Split, Uint16Array>;
  /** SHA-256 of the text, hexadecimal. */
  hash: string;
}

const maxBytes = 64 * 2 ** 20;
/** With more different characters the last layer would be larger than the rest of the network. */
const maxCharacters = 4096;
/** Allowed endings; files with secrets have other names: no ending, a leading dot, or the ending of a key. */
const endings = [
  '.txt',
  '.text',
  '.md',
  '.rst',
  '.tex',
  '.csv',
  '.tsv',
  '.html',
  '.xml',
  '.log',
  '.srt',
  '.c',
  '.h',
  '.cpp',
  '.css',
  '.go',
  '.java',
  '.js',
  '.jsx',
  '.py',
  '.rs',
  '.ts',
  '.tsx',
];

/**
 * @param file path on the trainer's machine, relative to its working directory; '' = the built-in text
 * @throws Error naming task.file and what would fit
 */
export async function loadCorpus(file: string): Promise<Corpus> {
  if (file === '') return corpusOf(builtinText(), 'built-in text');
  return corpusOf(await readText(file), basename(file));
}

async function readText(file: string): Promise<string> {
  const fail = (why: string): never => {
    throw new Error(`task.file: ${JSON.stringify(file)} ${why}`);
  };
  // The real path: a link must not lead to a file whose name is not allowed.
  const path = await realpath(resolve(file)).catch((error: NodeJS.ErrnoException) =>
    fail(
      error.code === 'ENOENT'
        ? 'does not exist on the trainer’s machine; give its full path there, or leave it empty for the built-in text'
        : `cannot be read: ${error.message}`,
    ),
  );
  if (path.split(/[\\/]/).some((part) => part.startsWith('.')))
    fail('is hidden, or in a hidden folder; copy the text somewhere else');
  if (!endings.includes(extname(path).toLowerCase())) fail(`is not known as a text: its name must end in ${endings.join(', ')}`);
  const { size, isFile } = await stat(path).then((s) => ({ size: s.size, isFile: s.isFile() }));
  if (!isFile) fail('is not a file');
  if (size > maxBytes) fail(`has ${size} bytes; at most ${maxBytes} fit`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    return fail(
      error instanceof TypeError ? 'is not UTF-8 text; save it as UTF-8' : `cannot be read: ${(error as Error).message}`,
    );
  }
}

/** @throws Error naming task.file when the text has too few characters to learn from, or too many different ones */
export function corpusOf(text: string, title: string): Corpus {
  const letters = [...text.replaceAll('\r\n', '\n')];
  const characters = [...new Set(letters)].sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  if (characters.length < 2)
    throw new Error(`task.file: ${title} has ${characters.length} different characters; at least 2 are needed`);
  if (characters.length > maxCharacters)
    throw new Error(`task.file: ${title} has ${characters.length} different characters; at most ${maxCharacters} fit`);
  const idOf = new Map(characters.map((character, id) => [character, id]));
  const ids = Uint16Array.from(letters, (letter) => idOf.get(letter)!);
  const [first, second] = [Math.floor(ids.length * 0.9), Math.floor(ids.length * 0.95)];
  return {
    title,
    characters,
    parts: { train: ids.subarray(0, first), validation: ids.subarray(first, second), test: ids.subarray(second) },
    hash: hashOf(text),
  };
}
