import { useTheme } from 'next-themes';
import { useEffect } from 'react';
import { Toaster, toast } from 'sonner';
import { toasterMounted } from '~/app/_live/toast';

/** Above what a page docks at its bottom. */
const above = 'calc(var(--dock, 0px) + 1rem)';

export default function ToastsBody() {
  const { resolvedTheme } = useTheme();
  useEffect(() => toasterMounted(toast), []);
  return (
    <Toaster
      theme={resolvedTheme === 'light' ? 'light' : 'dark'}
      position="bottom-left"
      offset={{ bottom: above, left: '1rem' }}
      mobileOffset={{ bottom: above }}
      visibleToasts={3}
      toastOptions={{
        style: {
          background: 'var(--color-raised)',
          color: 'var(--color-ink)',
          border: '1px solid var(--color-line)',
          borderRadius: '3px',
          fontFamily: 'var(--font-sans)',
        },
      }}
    />
  );
}
