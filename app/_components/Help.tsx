import { Glossary } from './Glossary';
import { headingClass } from './Keys';
import { KeyList, keyLists } from './keyLists';
import { Modal } from './Modal';

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
        <KeyList of={keyLists.everywhere} />
        <section>
          <h3 className={headingClass}>Words</h3>
          <Glossary />
        </section>
      </section>
    </Modal>
  );
}
