import { Copy } from 'lucide-react';
import { useRef } from 'react';
import { toast } from '~/app/_live/toast';
import { Button } from './Button';
import { inputClass } from './Field';

/** Copies a text. The browser has no clipboard over plain HTTP from another machine: `instead` then shows the text. */
export async function copyText(text: string, instead: () => void = () => toast.info(text, { duration: 20_000 })): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast.success('Copied');
  } catch {
    instead();
  }
}

/** A line to copy. @param label name of the line, for screen readers */
export function CopyLine({ label, text }: { label: string; text: string }) {
  const field = useRef<HTMLTextAreaElement>(null);
  const lines = text.split('\n').length;
  return (
    <div className="flex items-start gap-1">
      <textarea
        ref={field}
        readOnly
        rows={lines}
        aria-label={label}
        spellCheck={false}
        className={`${inputClass} field-sizing-content h-auto resize-none py-1 leading-5 break-words whitespace-pre-wrap`}
        value={text}
        onFocus={(e) => e.target.select()}
      />
      <Button
        size="icon"
        aria-label={`Copy ${label}`}
        title="Copy"
        onClick={() =>
          void copyText(text, () => {
            field.current?.select();
            toast.info('Selected: copy it with the keyboard');
          })
        }
      >
        <Copy aria-hidden size={13} />
      </Button>
    </div>
  );
}
