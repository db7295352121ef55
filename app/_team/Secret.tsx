import { CopyLine } from '~/app/_components/CopyLine';

/** A secret that is shown once. */
export const Secret = ({ label, text }: { label: string; text: string }) => (
  <div role="status" className="m-2 rounded border border-accent/60 bg-accent/5 p-2">
    <p className="mb-1 text-2xs text-dim">{label} It is shown only this once.</p>
    <CopyLine label={label} text={text} />
  </div>
);
