import { Popup } from './Popup';
import { type Term, terms } from './terms';

/** A "?" that explains a term, by click, touch or key. The button is 24 px large even where the sign is smaller. */
export function Explain({ term, className = '' }: { term: Term; className?: string }) {
  const [title, text] = terms[term];
  return (
    <Popup
      title={title}
      label={`What is “${title}”?`}
      className={`group size-6 shrink-0 justify-center rounded-full align-middle font-sans ${className}`}
      trigger={
        <span
          aria-hidden
          className="inline-flex size-3.5 items-center justify-center rounded-full border border-line text-[0.625rem] leading-none font-semibold text-dim group-hover:border-dim group-hover:text-ink"
        >
          ?
        </span>
      }
    >
      <p className="text-dim">{text}</p>
    </Popup>
  );
}

/** Every term with its meaning, for the help. */
export function Glossary() {
  const sorted = Object.values(terms).toSorted(([a], [b]) => a.localeCompare(b, 'en'));
  return (
    <dl className="grid gap-x-6 gap-y-2 sm:grid-cols-2">
      {sorted.map(([title, text]) => (
        <div key={title}>
          <dt className="font-semibold">{title}</dt>
          <dd className="text-dim">{text}</dd>
        </div>
      ))}
    </dl>
  );
}
