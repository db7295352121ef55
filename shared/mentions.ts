/** "@" and what follows. Marks belong to the letters of many scripts. */
export const mentionPattern = /@[\p{L}\p{M}\p{N}_.-]+/gu;

/** "Ada Lovelace" is mentioned as "@AdaLovelace": the name without what would end the mention; empty for a name without a letter or a digit. */
export const mentionOf = (name: string): string => withoutEnd(name.replaceAll(/[^\p{L}\p{M}\p{N}_.-]+/gu, ''));

/** Whether "@AdaLovelace" means a person. A full stop after it ends the sentence. */
export const isMentionOf = (mention: string, name: string): boolean =>
  mentionOf(name) !== '' && plain(withoutEnd(mention.slice(1))) === plain(mentionOf(name));

export const mentions = (text: string, name: string): boolean =>
  (text.match(mentionPattern) ?? []).some((mention) => isMentionOf(mention, name));

const withoutEnd = (text: string): string => text.replace(/[.-]+$/, '');
const plain = (text: string): string => text.normalize().toLowerCase();
