import { useEffect, useRef, useState } from 'react';
import { buttonClass, nameWith } from '~/app/_components/Button';

/** How long the button must be held, in ms. */
const holdMs = 1000;

/** A button for actions that are hard to undo: it acts after being held, by pointer or key, so that a slip does nothing. */
export function HoldButton(props: { children: string; of?: string; onHeld(): void; disabled?: boolean }) {
  const { children, of, onHeld, disabled = false } = props;
  const [held, setHeld] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const end = () => {
    clearTimeout(timer.current);
    timer.current = undefined;
    setHeld(false);
  };
  const begin = () => {
    if (timer.current !== undefined || disabled) return;
    setHeld(true);
    timer.current = setTimeout(() => {
      end();
      onHeld();
    }, holdMs);
  };
  // A disabled button is not told that the pointer was let go.
  // biome-ignore lint/correctness/useExhaustiveDependencies: when it is disabled, and when it goes away
  useEffect(() => end, [disabled]);
  const isKey = (key: string) => key === 'Enter' || key === ' ';
  return (
    <button
      type="button"
      aria-label={nameWith(children, of)}
      disabled={disabled}
      title="Hold for one second"
      className={`${buttonClass('danger', 'small')} relative overflow-hidden touch-none`}
      onPointerDown={(e) => e.button === 0 && begin()}
      onPointerUp={end}
      onPointerLeave={end}
      onPointerCancel={end}
      onContextMenu={(e) => e.preventDefault()}
      onKeyDown={(e) => {
        if (!isKey(e.key)) return;
        e.preventDefault();
        begin();
      }}
      onKeyUp={(e) => isKey(e.key) && end()}
      onBlur={end}
    >
      <i
        aria-hidden
        className="absolute inset-y-0 left-0 bg-bad/25"
        style={{ width: held ? '100%' : 0, transition: held ? `width ${holdMs}ms linear` : 'none' }}
      />
      {/* Both texts take their room: a button that became narrower would leave the pointer that holds it. */}
      <span className="relative grid *:col-start-1 *:row-start-1">
        <span style={{ visibility: held ? 'hidden' : 'visible' }}>{children}</span>
        <span style={{ visibility: held ? 'visible' : 'hidden' }}>Hold …</span>
      </span>
    </button>
  );
}
