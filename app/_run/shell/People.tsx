import { useEffect } from 'react';
import { Avatar, Watchers } from '~/app/_components/Avatars';
import { Button } from '~/app/_components/Button';
import { count } from '~/app/_components/format';
import { Popup } from '~/app/_components/Popup';
import { rowNames } from '~/app/_components/rowNames';
import { usePresence, usePresent } from '~/app/_live/PresenceProvider';
import { crowded, followedLook } from '~/app/_live/presence';
import { toast } from '~/app/_live/toast';
import { useRun } from '~/app/_live/useRun';
import type { Looking } from '~/shared/viewerProtocol';
import { mostLooks } from '~/shared/watching';

/** Who is watching; a menu shows where each person looks, with buttons to follow and to lead. */
export function People() {
  const watchers = useRun((r) => r.watchers);
  const you = useRun((r) => r.you?.id ?? null);
  const presence = usePresence();
  const unlisted = watchers.people - watchers.listed.length;
  const present = usePresent((p) => p);
  const { sharing, leading, others, following } = present;
  useInvitations(others, following, leading);
  const names = rowNames(others.map((l) => l.actor.name));
  return (
    <Popup title="Who is here" trigger={<Watchers watchers={watchers} you={you} />}>
      <ul className="space-y-1">
        {watchers.listed.map(({ actor, tabs }) => (
          <li key={actor.id} className="flex items-center gap-2">
            <Avatar id={actor.id} name={actor.name} />
            <span className="min-w-0 flex-1 truncate">
              {actor.name}
              {actor.id === you && <span className="text-dim"> (you)</span>}
            </span>
            <span className="text-2xs text-dim">
              {actor.role}
              {tabs > 1 && `, ${tabs} pages`}
            </span>
          </li>
        ))}
        {unlisted > 0 && <li className="text-dim">and {count(unlisted)} more</li>}
      </ul>
      {others.length > 0 && (
        <ul className="mt-2 space-y-1 border-t border-line pt-2" aria-label="Where the others look">
          {others.map((l, i) => (
            <li key={l.tab} className="flex items-center gap-2">
              <Avatar id={l.actor.id} name={l.actor.name} />
              <span className="min-w-0 flex-1 text-xs wrap-anywhere">
                {l.actor.name}: {where(l)}
              </span>
              <Button size="small" of={names[i]} onClick={() => presence.follow(following === l.tab ? null : l.tab)}>
                {following === l.tab ? 'Stop' : 'Follow'}
              </Button>
            </li>
          ))}
        </ul>
      )}
      <div className="mt-2 space-y-1 border-t border-line pt-2">
        <label className="flex items-center gap-2">
          <input type="checkbox" checked={sharing} onChange={(e) => presence.share(e.target.checked)} />
          Share where I look
        </label>
        {crowded(present) && (
          <p className="text-xs text-dim">
            More than {mostLooks} pages share where they look. Only those of people who ask everybody to follow them are shown.
          </p>
        )}
        <label className="flex items-center gap-2">
          <input type="checkbox" checked={leading} onChange={(e) => presence.lead(e.target.checked)} />
          Ask everybody to follow me
        </label>
      </div>
    </Popup>
  );
}

/** "newest step, layer 1 head 2" */
export function where({ look }: Looking): string {
  const { live, step, spot } = look;
  const place = live ? 'newest step' : `step ${count(step)}`;
  return spot?.layer == null || spot.head == null ? place : `${place}, layer ${spot.layer + 1} head ${spot.head + 1}`;
}

/** Announces once when somebody starts to lead, with a button to follow them. */
function useInvitations(others: readonly Looking[], following: string | null, leading: boolean): void {
  const presence = usePresence();
  const leaders = others.filter((l) => l.look.leads).map((l) => l.tab);
  const key = leaders.join();
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a new leader is announced, not each move of a leader
  useEffect(() => {
    for (const l of others)
      if (l.look.leads && l.tab !== following && !leading)
        toast.message(`${l.actor.name} asks you to follow`, {
          id: `lead ${l.tab}`,
          action: { label: 'Follow', onClick: () => presence.follow(l.tab) },
          duration: 15_000,
        });
  }, [key]);
}

/** Shown while this page follows another person, also while that person is away, and when they have gone. */
export function FollowBar() {
  const presence = usePresence();
  const followed = usePresent(followedLook);
  const leader = usePresent((p) => p.leader);
  const following = usePresent((p) => p.following !== null);
  if (!leader) return null;
  return (
    <p role="status" className="flex items-center justify-center gap-2 border-b border-accent/50 bg-accent/10 px-4 py-1">
      <Avatar id={leader.id} name={leader.name} />
      {followed
        ? `You follow ${leader.name}: ${where(followed)}`
        : following
          ? `${leader.name} is away; following again when they are back.`
          : `${leader.name} has gone, or shares the view no longer. You follow nobody now.`}
      <Button size="small" onClick={() => presence.follow(null)}>
        {following ? 'Stop' : 'OK'}
      </Button>
    </p>
  );
}
