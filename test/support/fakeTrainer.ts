/** A trainer without a connection: a port of the registry, which notes what it is told. */
import type { TrainerPort } from '~/server/dispatch/trainerTable';
import type { OpenHub } from '~/server/runs/hub';
import type { TrainerEvent } from '~/shared/events';
import type { Assignment, Holding, Registration } from '~/shared/protocol';
import { type Inbox, inbox } from './inbox';
import { registrationOf } from './trainerClient';

/** @param hub of the moment: a test may open another one */
export const fakeTrainers = (hub: () => OpenHub) =>
  class FakeTrainer implements TrainerPort {
    readonly received: Inbox<{ assign: Assignment }> = inbox<{ assign: Assignment }>(2000);
    commands: number[] = [];
    heard: string[] = [];
    closed = false;
    readonly registration: Registration;
    constructor(changes: Partial<Registration> = {}) {
      this.registration = registrationOf(changes);
    }
    get id() {
      return this.registration.trainerId;
    }
    assign(a: Assignment) {
      this.heard.push('assign');
      this.received.put('assign', a);
    }
    command(c: { seq: number }) {
      this.heard.push('command');
      this.commands.push(c.seq);
    }
    /** Runs that were taken from it, and why. */
    released: { runId: string; attempt: number; message: string }[] = [];
    release(r: { runId: string; attempt: number; message: string }) {
      this.released.push(r);
    }
    ask() {}
    forget() {}
    close() {
      this.closed = true;
    }
    async join(held: Holding | null = null) {
      const holding = held ? [held] : [];
      const answer = await hub().registry.register({ ...this.registration, holding }, this);
      if (!held) await hub().registry.ready(this.id, this);
      return answer;
    }
    send(runId: string, attempt: number, from: number, ...events: TrainerEvent[]) {
      return hub().registry.events(this.id, this, { runId, attempt, from, events });
    }
  };
