/** Builds tfjs-node's native addon against the libtensorflow of a wheel. */
import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { lastLine, run, SetupError } from './shell';

const tfjsVersion = '4.22.0';

/** Fetches an npm package's files into `folder`, without running its scripts or installing its dependencies. */
async function fetchPackage(name: string, version: string, folder: string): Promise<void> {
  const parent = dirname(folder);
  mkdirSync(parent, { recursive: true });
  const npm = process.env.npm_execpath;
  const [command, first] = npm ? [process.execPath, [npm]] : ['npm', []];
  await run(command, [...first, 'pack', `${name}@${version}`, '--silent', '--pack-destination', parent], {
    missing: 'npm is not installed; it comes with Node.js',
    explain: (stderr) =>
      /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT/.test(stderr)
        ? 'the npm registry cannot be reached. Check the network, or set npm_config_registry to a mirror'
        : lastLine(stderr),
    quiet: true,
  });
  const tarball = readdirSync(parent).find((file) => file.endsWith('.tgz'));
  if (!tarball) throw new SetupError(`npm pack left no archive of ${name}`);
  await run('tar', ['-xzf', join(parent, tarball), '-C', parent], {
    missing: 'tar is not installed (Debian and Ubuntu: apt-get install tar)',
    explain: lastLine,
    quiet: true,
  });
  renameSync(join(parent, 'package'), folder);
  await run('rm', [join(parent, tarball)], { missing: 'rm is missing', explain: lastLine, quiet: true });
}

/**
 * Fetches tfjs-node's sources and makes its kernels run on the repository's own @tensorflow/tfjs-core.
 *
 * The kernels import the union package @tensorflow/tfjs but use only its core: a one-line package of that name replaces it,
 * so that kernels register with the core that the trainer uses. The TensorBoard writer's messages need google-protobuf and are left out.
 */
export async function fetchTfjsNode(folder: string): Promise<void> {
  await fetchPackage('@tensorflow/tfjs-node', tfjsVersion, folder);
  const union = join(folder, 'node_modules/@tensorflow/tfjs');
  mkdirSync(union, { recursive: true });
  writeFileSync(
    join(union, 'package.json'),
    JSON.stringify({ name: '@tensorflow/tfjs', version: tfjsVersion, main: 'index.js' }),
  );
  writeFileSync(join(union, 'index.js'), "module.exports = require('@tensorflow/tfjs-core');\n");
  writeFileSync(
    join(folder, 'dist/proto/api_pb.js'),
    'module.exports = {}; // Messages of the TensorBoard writer, which is not used.\n',
  );
}

/** The folder with node_api.h: Node's own when it was installed with headers, else the headers package (Node-API is the same on every version). */
async function nodeHeaders(work: string): Promise<string> {
  const own = resolve(dirname(process.execPath), '../include/node');
  if (existsSync(join(own, 'node_api.h'))) return own;
  const folder = join(work, 'node-api-headers');
  await fetchPackage('node-api-headers', '1.9.0', folder);
  return join(folder, 'include');
}

/**
 * Compiles the addon in place: `package/tfjs_binding.node`, which finds the libraries in `../site/tensorflow` wherever both folders are.
 *
 * @param work folder for Node's headers when they have to be fetched
 */
export async function compileAddon(packageFolder: string, site: string, work: string): Promise<void> {
  const compiler = process.env.CXX ?? 'c++';
  const library = join(site, 'tensorflow');
  const sources = ['tfjs_backend.cc', 'tfjs_binding.cc'].map((file) => join(packageFolder, 'binding', file));
  const args = [
    ...['-O2', '-std=c++17', '-fPIC', '-shared', '-w', '-DNAPI_VERSION=8'],
    ...[`-I${await nodeHeaders(work)}`, `-I${join(library, 'include')}`, `-I${dirname(packageFolder)}`],
    ...sources,
    ...['-o', join(packageFolder, 'tfjs_binding.node')],
    ...[`-L${library}`, '-l:libtensorflow_cc.so.2', '-l:libtensorflow_framework.so.2', '-Wl,-rpath,$ORIGIN/../site/tensorflow'],
  ];
  await run(compiler, args, {
    missing: `the C++ compiler "${compiler}" is not installed (Debian and Ubuntu: apt-get install g++) or set CXX to yours`,
    explain: (stderr) => stderr.split('\n').find((line) => /error/.test(line)) ?? lastLine(stderr),
  });
}
