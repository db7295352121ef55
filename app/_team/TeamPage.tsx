'use client';

import { useState } from 'react';
import { Button } from '~/app/_components/Button';
import { LinkState } from '~/app/_components/LinkState';
import { PageTools } from '~/app/_components/PageTools';
import { Panel } from '~/app/_components/Panel';
import { PageHeader } from '~/app/_components/TopBar';
import { atBase } from '~/app/_live/base';
import { connection } from '~/app/_live/connection';
import { reachJson, refusalOf } from '~/app/_live/reach';
import { useSelected } from '~/app/_live/select';
import { toast } from '~/app/_live/toast';
import { Approval } from './Approval';
import { Audit } from './Audit';
import { DiskSpaceForm } from './DiskSpace';
import { Invites } from './Invites';
import { Me } from './Me';
import { People } from './People';
import { Sessions } from './Sessions';
import { Tokens } from './Tokens';
import { useDataOfNow, useInfo } from './useTeam';
import { WatchdogForm } from './WatchdogRules';

/** People, links, tokens, rules and the audit log. */
export function TeamPage() {
  const info = useInfo();
  const { link, refused, times } = useSelected(connection, (state) => state);
  useDataOfNow(info?.you.role, times);
  const [leaving, setLeaving] = useState(false);
  const admin = info?.you.role === 'admin';
  // Who loses the role keeps what was typed, and the secret that is shown only once.
  const [wasAdmin, setWasAdmin] = useState(false);
  if (admin && !wasAdmin) setWasAdmin(true);
  const operates = admin || info?.you.role === 'operator';
  const signOut = async () => {
    setLeaving(true);
    try {
      const answer = await reachJson(atBase('/api/signout'), { method: 'POST' });
      if (!answer.ok) throw await refusalOf(answer);
      const { next } = (await answer.json()) as { next?: string };
      window.location.assign(next ?? atBase('/'));
    } catch (error) {
      toast.error(`Nobody was signed out: ${(error as Error).message}`);
      setLeaving(false);
    }
  };
  return (
    <>
      <PageHeader skip title="Team">
        <div className="ml-auto flex min-w-0 items-center gap-3">
          {info && (
            <span className="min-w-0 truncate text-xs text-dim">
              {info.you.name} ({info.you.role})
            </span>
          )}
          {info && !info.loopback && (
            <Button size="small" disabled={leaving} onClick={() => void signOut()}>
              Sign out
            </Button>
          )}
          <LinkState link={link} error={refused} />
          <PageTools />
        </div>
      </PageHeader>
      <main id="main" className="mx-auto grid max-w-[110rem] grid-cols-1 items-start gap-2 p-2 lg:grid-cols-2">
        {link === 'reconnecting' && (
          <p role="alert" className="rounded border border-warn/50 bg-warn/10 px-3 py-1.5 text-warn lg:col-span-2">
            The connection to the server broke: what you see may be old. What you have typed stays here, and can be saved later.
          </p>
        )}
        {!info ? (
          <p className="p-4 text-dim">{link === 'live' ? 'Loading…' : 'Waiting for the server…'}</p>
        ) : (
          <>
            {info.loopback && (
              <p className="rounded border border-line bg-panel px-3 py-2 text-dim lg:col-span-2">
                This server answers this machine only, and everybody on it is admin. To let a team in, start it with{' '}
                <code className="font-mono text-ink">HOST=0.0.0.0</code>: it then prints a link for the first admin.
              </p>
            )}
            <div className="space-y-2">
              <People admin={admin} you={info.you.id} />
              {!info.loopback && <Me you={info.you.id} provider={info.provider} />}
              <Sessions />
              <Panel title="Watchdogs of all runs">
                <WatchdogForm editable={operates} />
              </Panel>
            </div>
            <div className="space-y-2">
              {wasAdmin && !admin && (
                <p role="status" className="rounded border border-warn/50 bg-warn/10 px-3 py-2 text-warn">
                  You are not an admin any more. What you typed stays here; only an admin can send it.
                </p>
              )}
              {wasAdmin && <Invites />}
              {wasAdmin && <Tokens />}
              <Approval editable={admin} />
              <Panel title="Disk space of each run">
                <DiskSpaceForm editable={admin} />
              </Panel>
            </div>
            {admin && <Audit />}
          </>
        )}
      </main>
    </>
  );
}
