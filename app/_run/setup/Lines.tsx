/** Label, text, and whether it differs from the preset. */
export type Line = readonly [label: string, text: string | null | undefined, changed?: boolean];

/** Labels with their values; both wrap, so that neither pushes the other out of sight. Lines without a text (null, undefined) are left out. */
export function Lines({ lines }: { lines: readonly Line[] }) {
  return (
    <dl className="grid grid-cols-[fit-content(60%)_minmax(0,1fr)] gap-x-3 gap-y-0.5 text-xs">
      {lines.map(
        ([label, text, changed]) =>
          text !== undefined &&
          text !== null && (
            <div key={label} className="col-span-2 grid grid-cols-subgrid">
              <dt className="min-w-0 wrap-anywhere text-dim" dir="auto">
                {label}
              </dt>
              <dd
                className={`text-right font-mono wrap-anywhere ${changed ? 'text-accent' : ''}`}
                title={changed ? 'not as in the recipe’s first preset' : undefined}
                dir="auto"
              >
                {text}
              </dd>
            </div>
          ),
      )}
    </dl>
  );
}
