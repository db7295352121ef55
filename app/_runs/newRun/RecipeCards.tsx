import { useId } from 'react';
import type { KnownRecipe } from '~/shared/recipes';

/** The recipes to choose from: what each trains, in one sentence, and which trainers have it. */
export function RecipeCards(props: { recipes: readonly KnownRecipe[]; chosen: string; onChoose(recipe: string): void }) {
  const { recipes, chosen, onChoose } = props;
  return (
    <fieldset>
      <legend className="mb-1.5 text-2xs font-semibold tracking-wider text-dim uppercase">Recipe</legend>
      <div className="grid gap-2 sm:grid-cols-3">
        {recipes.map((recipe) => (
          <Card key={recipe.name} recipe={recipe} chosen={recipe.name === chosen} onChoose={onChoose} />
        ))}
      </div>
    </fieldset>
  );
}

function Card({ recipe, chosen, onChoose }: { recipe: KnownRecipe; chosen: boolean; onChoose(recipe: string): void }) {
  const id = useId();
  const here = recipe.trainers.filter((t) => t.connected).map((t) => t.name);
  const picture = recipe.picture === undefined ? null : pictureUrl(recipe.picture);
  return (
    <label
      className={`flex min-w-0 cursor-pointer flex-col gap-1 rounded border p-2 ${chosen ? 'border-accent bg-accent/10' : 'border-line hover:border-dim'}`}
    >
      <span className="flex items-start gap-2">
        <input
          type="radio"
          name="recipe"
          className="mt-0.5 size-3.5 shrink-0"
          value={recipe.name}
          checked={chosen}
          aria-label={recipe.title}
          aria-describedby={`${id}-summary ${id}-trainers`}
          onChange={() => onChoose(recipe.name)}
        />
        <span className="min-w-0 flex-1 font-medium break-words">{recipe.title}</span>
        {/* biome-ignore lint/performance/noImgElement: a picture of a few kilobytes that a trainer sent with its recipe */}
        {picture && <img src={picture} alt="" className="size-16 shrink-0 rounded-sm object-contain" />}
      </span>
      <span id={`${id}-summary`} className="text-xs break-words text-dim">
        {recipe.summary}
      </span>
      <span id={`${id}-trainers`} className="mt-auto text-2xs break-words text-dim">
        {here.length > 0 ? `trainer: ${here.join(', ')}` : 'no trainer that is here has it: the run waits for one'}
      </span>
    </label>
  );
}

/** A URL for an <img>, where a picture can neither run nor fetch anything; null for text that is no SVG or picture data URL. */
function pictureUrl(picture: string): string | null {
  if (/^data:image\//.test(picture)) return picture;
  return picture.trimStart().startsWith('<svg') ? `data:image/svg+xml,${encodeURIComponent(picture)}` : null;
}
