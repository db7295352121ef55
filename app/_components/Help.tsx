import { Glossary } from './Glossary';
import { Modal } from './Modal';

const keys = [
  ['Ctrl K', 'search runs and commands, on every page'],
  ['/', 'search the list of runs'],
  ['?', 'this help; on the page of a run, its own keys and gestures'],
  ['Tab, Shift Tab', 'to the next or the previous control'],
  ['Space', 'press a button, tick a box'],
  ['Escape', 'close what is open'],
] as const;

/** Keyboard shortcuts and the meaning of the terms. */
export default function Help({ onClose }: { onClose(): void }) {
  return (
    <Modal open onClose={onClose} title="Help" wide>
      <div className="space-y-4 overflow-y-auto p-4">
        <section>
          <h3 className="mb-1 text-2xs font-semibold tracking-wider text-dim uppercase">Keys</h3>
          <dl className="grid grid-cols-[auto_1fr] gap-x-3 gap-y-1">
            {keys.map(([key, what]) => (
              <div key={key} className="col-span-2 grid grid-cols-subgrid">
                <dt>
                  <kbd className="rounded-sm border border-line bg-raised px-1 font-mono text-2xs">{key}</kbd>
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </section>
        <section>
          <h3 className="mb-1 text-2xs font-semibold tracking-wider text-dim uppercase">Words</h3>
          <Glossary />
        </section>
      </div>
    </Modal>
  );
}
