import { Popup } from './Popup';

/** The "?" beside the label of a field: a popup that explains the field, one paragraph for each line. A line that is an address is a link. */
export const About = ({ of, lines, className = '' }: { of: string; lines: readonly string[]; className?: string }) => (
  <Popup
    title={of}
    className={`min-w-6 justify-center text-2xs text-dim ${className}`}
    trigger={
      <>
        <span className="sr-only">About {of}</span>
        <span aria-hidden>?</span>
      </>
    }
  >
    {lines.map((line) => (
      <p key={line} className="mt-1 wrap-anywhere text-dim">
        {/^https?:\/\/\S+$/.test(line) ? (
          <a href={line} target="_blank" rel="noreferrer" className="text-accent underline">
            {line}
          </a>
        ) : (
          line
        )}
      </p>
    ))}
  </Popup>
);
