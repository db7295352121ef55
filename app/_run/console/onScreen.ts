import type { ConsolePart } from '~/shared/media';

/** Colors, cursor movements and window titles that a program writes for a terminal (ECMA-48: CSI and OSC sequences, and short ones). */
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
const escapes = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])/g;

/** What a terminal would show of a program's output: without escape sequences, and with each line that a progress bar wrote over in its last state. */
export function onScreen(parts: readonly ConsolePart[]): ConsolePart[] {
  const shown: ConsolePart[] = [];
  // A carriage return takes effect with the next character, which may come in a later part: "\r\n" is the end of a line.
  let returned = false;
  /** The part in which the last line begins: nothing before it is written over. */
  let line = 0;
  for (const part of parts) {
    shown.push({ ...part, text: '' });
    const last = shown.length - 1;
    for (const [i, run] of part.text.replace(escapes, '').split('\r').entries()) {
      returned ||= i > 0;
      if (run === '') continue;
      if (returned && run[0] !== '\n') {
        const { text } = shown[line]!;
        shown[line]!.text = text.slice(0, text.lastIndexOf('\n') + 1);
        for (let after = line + 1; after <= last; after++) shown[after]!.text = '';
        line = last;
      }
      returned = false;
      shown[last]!.text += run;
      if (run.includes('\n')) line = last;
    }
  }
  return shown;
}
