/** Tags from text, separated by commas, without duplicates. */
export function tagsOf(text: string): { ok: true; tags: string[] } | { ok: false; message: string } {
  const tags = [...new Set(text.split(',').map((t) => t.trim()))].filter(Boolean);
  const long = tags.find((t) => t.length > 40);
  if (long) return { ok: false, message: `Tags: "${long}" has ${long.length} characters; 40 is the most` };
  if (tags.length > 50) return { ok: false, message: `Tags: ${tags.length} are too many; 50 is the most` };
  return { ok: true, tags };
}
