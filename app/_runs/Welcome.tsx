import { FlaskConical, SquareTerminal, Upload } from 'lucide-react';
import Link from 'next/link';
import { type ReactNode, useEffect, useState } from 'react';
import { Button } from '~/app/_components/Button';
import { CopyLine } from '~/app/_components/CopyLine';
import { Explain } from '~/app/_components/Glossary';
import { atBase } from '~/app/_live/base';
import { useKnownRecipes } from '~/app/_live/recipes';
import { toast } from '~/app/_live/toast';
import { useRunIds } from '~/app/_live/useRunIds';
import { api, describeError } from '~/app/_trpc/client';
import type { Actor } from '~/shared/ids';
import type { RunSummary } from '~/shared/summary';
import type { TrainerSummary } from '~/shared/viewerProtocol';
import { ImportButton } from './ImportButton';

/** The start page while nobody has made a run: an introduction, and three ways to a first run. `demos`: the demonstration runs of the server, which are listed above. */
export function Welcome(props: {
  trainers: readonly TrainerSummary[];
  you: Actor | null;
  demos: readonly RunSummary[];
  onNew(): void;
  onStarted(runId: string): void;
}) {
  const { trainers, you, demos, onNew, onStarted } = props;
  const mayStart = you !== null && you.role !== 'viewer';
  const [origin, setOrigin] = useState('http://127.0.0.1:3000');
  useEffect(() => setOrigin(window.location.origin + atBase('')), []);
  return (
    <section aria-label="Introduction" className="flex-1">
      <div className="mx-auto max-w-5xl py-6 sm:py-12">
        <h2 className="text-xl font-semibold tracking-tight">One room for a training run</h2>
        <p className="mt-1 max-w-2xl text-dim">
          Everybody on your team sees every step in a browser as it happens: metrics, gradient norms, attention. Whoever may steer
          can pause, change a value, evaluate or branch while it trains. Afterwards the run, with everything people did to it, can
          be played back, compared and shared.{' '}
          {demos.length > 0 ? 'The runs above are demonstrations.' : 'There is no run here yet; each of these makes one:'}
        </p>
        <ul className="mt-6 grid gap-3 lg:grid-cols-[4fr_5fr_5fr]">
          <Way icon={<FlaskConical aria-hidden size={16} />} title="Watch a demo">
            {demos.length > 0 ? (
              <>
                <p>
                  Open one and look around{mayStart && ', and steer it as you like: they are there for that'}. A short tour shows
                  the way.
                </p>
                {demos.map((run) => (
                  <p key={run.runId}>
                    <Link href={`/runs/${run.runId}`} className="inline-flex min-h-6 items-center font-medium text-accent">
                      Open {run.name}
                    </Link>
                  </p>
                ))}
              </>
            ) : (
              <Demo trainers={trainers} mayStart={mayStart} onNew={onNew} onStarted={onStarted} />
            )}
          </Way>
          <Way icon={<SquareTerminal aria-hidden size={16} />} title="Your own script, in three lines">
            <p>Install the client once, from a clone of Headroom:</p>
            <CopyLine label="the command that installs the client" text="pip install ./trainer/python" />
            <p>Then, in your training loop:</p>
            <CopyLine
              label="the lines for your script"
              text={`import headroom\nrun = headroom.init(\n    server="${origin}")\nrun.log({"loss": loss})`}
            />
          </Way>
          <Way icon={<Upload aria-hidden size={16} />} title="Bring in a file">
            <p>A TensorBoard event file, a CSV, or a .headroom file from another server.</p>
            <span>
              <ImportButton you={you} />
            </span>
            <p>Or from a terminal:</p>
            <CopyLine
              label="the command that imports a file"
              text={`curl --data-binary @run.csv "${origin}/api/import?name=run.csv"`}
            />
          </Way>
        </ul>
      </div>
    </section>
  );
}

function Way({ icon, title, children }: { icon: ReactNode; title: string; children: ReactNode }) {
  return (
    <li className="flex min-w-0 flex-col gap-2 rounded border border-line bg-panel p-4">
      <h3 className="flex items-center gap-2 text-sm font-semibold">
        <span className="text-accent">{icon}</span>
        {title}
      </h3>
      {children}
    </li>
  );
}

/** Starts a run of a recipe that declares a demonstration, or opens the form. */
function Demo(props: { trainers: readonly TrainerSummary[]; mayStart: boolean; onNew(): void; onStarted(runId: string): void }) {
  const { trainers, mayStart, onNew, onStarted } = props;
  const here = trainers.filter((t) => t.connected);
  const recipes = useKnownRecipes(here.map((t) => t.id).join());
  const [busy, setBusy] = useState(false);
  const idsFor = useRunIds();
  const demos = recipes.flatMap((recipe) =>
    recipe.trainers.some((t) => t.connected) ? recipe.presets.filter((p) => p.demo).map((preset) => ({ recipe, preset })) : [],
  );
  const start = async ({ recipe, preset }: (typeof demos)[number]) => {
    setBusy(true);
    try {
      const setup = { name: recipe.title, recipe: { name: recipe.name }, config: preset.config };
      onStarted((await api.runs.create.mutate({ setup, runId: idsFor(recipe.name, 1)[0] })).runId);
    } catch (error) {
      toast.error(describeError(error).message);
      setBusy(false);
    }
  };
  if (here.length === 0)
    return (
      <>
        <p>
          A trainer <Explain term="trainer" /> has to be connected. This one starts with the server:
        </p>
        <CopyLine label="the command that starts server and trainer" text="npm start" />
      </>
    );
  return (
    <>
      <p>Trains on this server and shows everything there is to see. Each takes some minutes on two cores.</p>
      {demos.map((demo) => (
        <div key={`${demo.recipe.name} ${demo.preset.name}`}>
          <Button look="primary" disabled={busy || !mayStart} onClick={() => void start(demo)}>
            Start {demo.recipe.title}
          </Button>
          <p className="mt-0.5 text-xs text-dim">{demo.recipe.summary}</p>
        </div>
      ))}
      <p>
        <Button disabled={!mayStart} onClick={onNew}>
          Choose a recipe…
        </Button>
      </p>
    </>
  );
}
