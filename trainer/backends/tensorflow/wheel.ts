/** Gets libtensorflow, its headers and CUDA out of the Python packages that ship them. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { lastLine, run, SetupError } from './shell';

const python = process.env.PYTHON ?? 'python3';
const missingPython = `${python} is not installed. Install Python 3 with pip (Debian and Ubuntu: apt-get install python3-pip) or set PYTHON to it`;

/** Turns pip's error output into one sentence that says what to do. */
export function explainPip(stderr: string): string {
  if (/No module named pip/.test(stderr))
    return `pip is not installed for ${python} (Debian and Ubuntu: apt-get install python3-pip)`;
  if (/NewConnectionError|Name or service not known|ConnectTimeout|Network is unreachable|Connection refused/.test(stderr)) {
    return 'the Python package index cannot be reached. Check the network, or point PIP_INDEX_URL or PIP_FIND_LINKS to a mirror that has the wheel';
  }
  if (/No matching distribution|from versions/.test(stderr)) {
    return `the package index has no such wheel for this platform. Try another with --version (${lastLine(stderr)})`;
  }
  if (/No space left/.test(stderr)) return 'the disk is full';
  return lastLine(stderr);
}

/**
 * Downloads one wheel without its dependencies.
 *
 * A wheel's native library does not depend on the Python version, so where this Python is too old or too new for the package, the
 * wheel of CPython 3.12 is taken.
 *
 * @returns the path of the .whl file
 */
export async function downloadWheel(name: string, version: string, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const download = ['-m', 'pip', 'download', '--no-deps', '--disable-pip-version-check', '--dest', folder, `${name}==${version}`];
  const options = { missing: missingPython, explain: explainPip };
  await run(python, download, options).catch((error: SetupError) => {
    if (!/no such wheel/.test(error.message)) throw error;
    return run(python, [...download, '--python-version', '3.12', '--implementation', 'cp', '--abi', 'cp312'], options);
  });
  const wheel = readdirSync(folder).find((file) => file.endsWith('.whl'));
  if (!wheel) throw new SetupError(`pip left no .whl file in ${folder}`);
  return join(folder, wheel);
}

/** Members of the wheel that an addon needs: two libraries, the C headers, and the package's own list of requirements. */
const extraction = `
import sys, zipfile
wheel, target = sys.argv[1:]
keep = ('tensorflow/include/tensorflow/c/', 'tensorflow/include/tensorflow/core/platform/', 'tensorflow/include/tsl/platform/',
        'tensorflow/include/xla/tsl/c/', 'tensorflow/libtensorflow_cc.', 'tensorflow/libtensorflow_framework.')
with zipfile.ZipFile(wheel) as z:
    names = [n for n in z.namelist() if n.startswith(keep) or n.endswith('.dist-info/METADATA')]
    z.extractall(target, names)
    print(next(n for n in names if n.endswith('METADATA')))
`;

/** Unpacks the needed files of a tensorflow wheel into `site` and returns the wheel's METADATA text. */
export async function extractWheel(wheel: string, site: string): Promise<string> {
  const metadata = await run(python, ['-c', extraction, wheel, site], {
    missing: missingPython,
    explain: explainPip,
    quiet: true,
  });
  return readFileSync(join(site, metadata.trim()), 'utf8');
}

/** The CUDA wheels that a tensorflow wheel names for itself: its extra "and-cuda", as pip requirements. */
export function cudaRequirements(metadata: string): string[] {
  return metadata
    .split('\n')
    .filter((line) => line.startsWith('Requires-Dist:') && /extra == ['"]and-cuda['"]/.test(line))
    .map((line) => line.slice('Requires-Dist:'.length).split(';')[0]!.trim());
}

/** Installs CUDA beside libtensorflow, where libtensorflow looks for it. */
export async function installCuda(metadata: string, site: string): Promise<void> {
  const requirements = cudaRequirements(metadata);
  if (requirements.length === 0)
    throw new SetupError('this tensorflow wheel names no CUDA wheels (no extra "and-cuda"); try another --version');
  const args = ['-m', 'pip', 'install', '--no-deps', '--disable-pip-version-check', '--target', site, ...requirements];
  await run(python, args, { missing: missingPython, explain: explainPip });
}
