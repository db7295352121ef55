import { longestTag, mostTags } from '~/shared/tags';

/** Tags from text, separated by commas, without duplicates. */
export function tagsOf(text: string): { ok: true; tags: string[] } | { ok: false; message: string } {
  const tags = [...new Set(text.split(',').map((t) => t.trim()))].filter(Boolean);
  const long = tags.find((t) => t.length > longestTag);
  if (long) return { ok: false, message: `Tags: "${long}" has ${long.length} characters; ${longestTag} is the most` };
  if (tags.length > mostTags) return { ok: false, message: `Tags: ${tags.length} are too many; ${mostTags} is the most` };
  return { ok: true, tags };
}

/** Tags to add and tags to take away. */
export interface TagChange {
  add: string[];
  remove: string[];
}

/** What a change does to a run with these tags: nothing of it is what the run has already. */
export const changeOf = (tags: readonly string[], { add, remove }: TagChange): TagChange => ({
  add: add.filter((t) => !tags.includes(t)),
  remove: remove.filter((t) => tags.includes(t) && !add.includes(t)),
});
