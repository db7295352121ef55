/** The page inside a replay file (server/process/buildReplay.ts bundles it; shared/replayFile.ts has the format). */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { ThemeProvider } from 'next-themes';
import { createRoot } from 'react-dom/client';
import { Toasts } from '~/app/_components/Toasts';
import { setCursor } from '~/app/_live/cursor';
import { GivenRun } from '~/app/_live/RunProvider';
import { GivenSources, runSources } from '~/app/_live/runSources';
import { Replay } from './Replay';
import { openRecording } from './recording';
import { recordedStore } from './store';

async function open(): Promise<void> {
  const place = document.getElementById('replay')!;
  try {
    const { manifest, view } = await openRecording();
    const store = recordedStore(view);
    setCursor.head(view.step, true);
    createRoot(place).render(
      <ThemeProvider attribute="class" defaultTheme="system" enableSystem disableTransitionOnChange>
        <QueryClientProvider client={new QueryClient()}>
          <GivenSources value={runSources(() => store)}>
            <GivenRun store={store}>
              <Replay manifest={manifest} />
            </GivenRun>
          </GivenSources>
        </QueryClientProvider>
        <Toasts />
      </ThemeProvider>,
    );
  } catch (error) {
    place.textContent = `This replay cannot be opened: ${error instanceof Error ? error.message : String(error)}`;
  }
}

if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', () => void open());
else void open();
