import { Bookmark, FolderOpen, Pencil, X } from 'lucide-react';
import { type FormEvent, type ReactNode, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { inputClass } from '~/app/_components/Field';
import { IconButton } from '~/app/_components/IconButton';
import { withTerm } from '~/shared/runSearch';
import { RenameView } from './RenameView';
import { idOf, keepViews, mostViews, useViews, withSaved } from './savedViews';
import { defaultView, fromParams, toParams, type View } from './tableQuery';
import { useCatalog } from './useCatalog';

/** Projects, and the person's saved views. The address contains the view too: copy the link to share it. */
export function Views({ view, onView }: { view: View; onView(change: (view: View) => View): void }) {
  const { catalog } = useCatalog(true);
  const saved = useViews();
  const [name, setName] = useState('');
  const [renaming, setRenaming] = useState<string | null>(null);
  const known = saved.some((s) => s.name === name.trim());
  const full = saved.length >= mostViews && !known;
  const save = (event: FormEvent) => {
    event.preventDefault();
    const title = name.trim();
    if (title === '' || full) return;
    keepViews(withSaved(saved, title, toParams(view)));
    setName('');
  };
  const now = toParams(view);
  return (
    <div className="space-y-3 text-xs">
      <section>
        <h2 className={headingClass}>Projects</h2>
        <ul>
          <Choice icon={FolderOpen} title="All" here={now === ''} onClick={() => onView(() => defaultView)} />
          {(catalog?.projects ?? []).map((project) => {
            const search = withTerm('', 'project', project);
            return (
              <Choice
                key={project}
                icon={FolderOpen}
                title={project}
                here={view.search === search}
                onClick={() => onView((v) => ({ ...v, search, show: 'all' }))}
              />
            );
          })}
        </ul>
      </section>
      <section>
        <h2 className={headingClass}>Saved views</h2>
        {saved.length === 0 && <p className="text-dim">None yet: search, sort and choose columns, then save.</p>}
        <ul>
          {saved.map((s) =>
            idOf(s) === renaming ? (
              <RenameView key={idOf(s)} view={s} onClose={() => setRenaming(null)} />
            ) : (
              <Choice
                key={idOf(s)}
                icon={Bookmark}
                title={s.name}
                here={now === s.params}
                onClick={() => onView(() => fromParams(s.params))}
              >
                <IconButton icon={Pencil} size="small" label={`Rename the view ${s.name}`} onClick={() => setRenaming(idOf(s))} />
                <IconButton
                  icon={X}
                  size="small"
                  label={`Remove the view ${s.name}`}
                  onClick={() => keepViews(saved.filter((x) => x !== s))}
                />
              </Choice>
            ),
          )}
        </ul>
        <form onSubmit={save} className="mt-1 flex gap-1">
          <input
            aria-label="Name of the view"
            placeholder="save this view as…"
            className={`${inputClass} font-sans`}
            value={name}
            onChange={(e) => setName(e.target.value)}
          />
          <Button type="submit" disabled={name.trim() === '' || full}>
            {known ? 'Replace' : 'Save'}
          </Button>
        </form>
        {full && <p className="mt-1 text-dim">{mostViews} views are the most: remove one first.</p>}
      </section>
    </div>
  );
}

const headingClass = 'mb-1 text-2xs font-semibold tracking-wider text-dim uppercase';

function Choice(props: { icon: typeof Bookmark; title: string; here: boolean; onClick(): void; children?: ReactNode }) {
  const { icon: Icon, title, here, onClick, children } = props;
  return (
    <li className="flex items-center">
      <button
        type="button"
        aria-current={here ? 'true' : undefined}
        title={title}
        className={`flex min-h-7 min-w-0 flex-1 items-center gap-1.5 rounded px-1 text-left hover:bg-raised ${here ? 'bg-raised font-semibold' : ''}`}
        onClick={onClick}
      >
        <Icon aria-hidden size={12} className="shrink-0 text-dim" />
        <span className="truncate">{title}</span>
      </button>
      {children}
    </li>
  );
}
