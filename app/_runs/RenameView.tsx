import { type FormEvent, useState } from 'react';
import { FormEnd, TextField } from '~/app/_components/Field';
import { idOf, keepViews, nameProblem, type SavedView, useViews, withName } from './savedViews';

/** The form for a saved view's new name, in the view's place in the list. Escape closes it. */
export function RenameView({ view, onClose }: { view: SavedView; onClose(): void }) {
  const saved = useViews();
  const [name, setName] = useState(view.name);
  const problem = nameProblem(saved, idOf(view), name.trim());
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (problem) return;
    keepViews(withName(saved, idOf(view), name.trim()));
    onClose();
  };
  return (
    <li className="py-1">
      <form
        onSubmit={submit}
        onKeyDown={(e) => {
          if (e.key !== 'Escape') return;
          // The popup of the views stays open.
          e.stopPropagation();
          onClose();
        }}
        noValidate
        className="space-y-1"
      >
        <TextField
          label="New name"
          error={problem}
          autoFocus
          onFocus={(e) => e.target.select()}
          className="font-sans"
          value={name}
          onChange={setName}
        />
        <FormEnd yes="Rename" onCancel={onClose} />
      </form>
    </li>
  );
}
