import type { RunEvent } from './events';

type Labels = Omit<Extract<RunEvent, { type: 'run.labelled' }>, 'type' | 'actor'>;

/** What a person did to a run's labels: 'named it "b", put it into the trash'. */
export const describeLabels = ({ name, tags, archived, trashed }: Labels): string =>
  [
    name !== undefined && `named it "${name}"`,
    tags !== undefined && (tags.length > 0 ? `tagged it ${tags.join(', ')}` : 'took its tags off'),
    archived !== undefined && (archived ? 'archived it' : 'took it out of the archive'),
    trashed !== undefined && (trashed ? 'put it into the trash' : 'took it out of the trash'),
  ]
    .filter((words) => words !== false)
    .join(', ');
