'use client';

import { Copy } from 'lucide-react';
import { useRef } from 'react';
import { toast } from 'sonner';
import { Button } from '~/app/_components/Button';
import { inputClass } from '~/app/_components/Field';

/** A secret that is shown once. The clipboard is missing on plain http in a LAN, so the text can be selected too. */
export function Secret({ label, text }: { label: string; text: string }) {
  const field = useRef<HTMLInputElement>(null);
  const copy = async () => {
    field.current?.select();
    try {
      await navigator.clipboard.writeText(text);
      toast.success('Copied');
    } catch {
      toast.info('Selected: copy it with the keyboard');
    }
  };
  return (
    <div role="status" className="m-2 rounded border border-accent/60 bg-accent/5 p-2">
      <p className="text-2xs text-dim">{label} It is shown only this once.</p>
      <div className="mt-1 flex gap-1">
        <input ref={field} readOnly aria-label={label} className={inputClass} value={text} onFocus={(e) => e.target.select()} />
        <Button onClick={copy}>
          <Copy aria-hidden size={13} /> Copy
        </Button>
      </div>
    </div>
  );
}
