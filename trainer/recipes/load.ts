/** Loads recipes from a team's own modules (README.md): TypeScript or JavaScript files anywhere on the machine. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { RecipeBook } from './book';
import { isRecipe, type Recipe } from './define';
import { builtinRecipes } from './index';

/** The repository: this file is two folders below it, as source and in the bundle (.build/trainer/). */
const root = fileURLToPath(new URL('../..', import.meta.url));

/**
 * The built-in recipes and the recipes that the modules export, as default or named exports.
 *
 * @param modules paths separated by commas, as in HEADROOM_RECIPES; relative to `folder`. Undefined or empty: only the built-in recipes
 * @throws Error naming the file and what would help, when it is missing, does not load, or exports no recipe
 */
export async function loadRecipes(modules: string | undefined, folder = process.cwd()): Promise<RecipeBook> {
  const files = (modules ?? '')
    .split(',')
    .map((file) => file.trim())
    .filter((file) => file !== '');
  const own: Recipe[] = [];
  for (const file of files) own.push(...(await recipesOf(resolve(folder, file))));
  try {
    return new RecipeBook([...builtinRecipes, ...own]);
  } catch (error) {
    throw new Error(`HEADROOM_RECIPES: ${(error as Error).message}`);
  }
}

async function recipesOf(path: string): Promise<Recipe[]> {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile())
    throw new Error(
      `HEADROOM_RECIPES: there is no file ${path}; give a path from the folder that the program is started in, or a full one`,
    );
  let module: Record<string, unknown>;
  try {
    module = await importModule(path);
  } catch (error) {
    throw new Error(`HEADROOM_RECIPES: ${path} does not load: ${describe(error)}`);
  }
  const found = [...new Set(Object.values(module).filter(isRecipe))];
  if (found.length > 0) return found;
  throw new Error(
    `HEADROOM_RECIPES: ${path} exports no recipe; write "export default defineRecipe({ ... })" (trainer/recipes/README.md shows one)`,
  );
}

/**
 * Bundles the module, so that it may be TypeScript, be in any folder and import "headroom/recipes" from this program, run from source or built.
 * The module then has its own copy of its imports, so recipes are recognized by a mark, not by a class.
 */
async function importModule(path: string): Promise<Record<string, unknown>> {
  const { build } = await import('esbuild');
  const place = JSON.stringify(path);
  const { outputFiles } = await build({
    entryPoints: [path],
    absWorkingDir: dirname(path),
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    logLevel: 'silent',
    alias: { '~': root, 'headroom/recipes': join(root, 'trainer/recipes/kit.ts') },
    nodePaths: [join(root, 'node_modules')],
    define: {
      'import.meta.url': JSON.stringify(pathToFileURL(path).href),
      'import.meta.filename': place,
      'import.meta.dirname': JSON.stringify(dirname(path)),
    },
    banner: { js: `import { createRequire as headroomRequire } from 'node:module'; const require = headroomRequire(${place});` },
  });
  const folder = mkdtempSync(join(tmpdir(), 'headroom-recipe-'));
  try {
    const file = join(folder, 'recipe.mjs');
    writeFileSync(file, outputFiles[0]!.contents);
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** esbuild's errors as lines "file:line:column: text"; others as they are. */
function describe(error: unknown): string {
  const { errors } = error as { errors?: { text: string; location: { file: string; line: number; column: number } | null }[] };
  if (!errors) return error instanceof Error ? error.message : String(error);
  return errors
    .map(({ text, location }) => (location ? `${location.file}:${location.line}:${location.column}: ${text}` : text))
    .join('; ');
}
