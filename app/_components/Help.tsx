import { Glossary } from './Glossary';
import { headingClass, Keys } from './Keys';
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
      <section
        aria-label="Keys and words"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
        data-first
        className="space-y-4 overflow-y-auto p-4"
      >
        <section>
          <h3 className={headingClass}>Keys</h3>
          <Keys of={keys} />
        </section>
        <section>
          <h3 className={headingClass}>Words</h3>
          <Glossary />
        </section>
      </section>
    </Modal>
  );
}
