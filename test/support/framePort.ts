/** A viewer of Frames that tests hold in their hands: it answers at once, or when the test says so. */
import type { ViewerPort } from '~/server/runs/frames';
import type { Actor } from '~/shared/ids';
import { unpack } from '~/shared/pack';
import type { Frame } from '~/shared/viewerProtocol';
import type { Watching } from '~/shared/watching';

const ada: Actor = { id: 'u1', name: 'Ada', role: 'operator' };

export class FramePort implements ViewerPort {
  readonly frames: Frame[] = [];
  readonly unanswered: (() => void)[] = [];
  lists: Watching[] = [];
  dropped: string | null = null;
  constructor(
    readonly actor: Actor = ada,
    private readonly prompt = true,
  ) {}
  frame(packed: Uint8Array, acknowledge: () => void) {
    this.frames.push(unpack(packed) as Frame);
    if (this.prompt) acknowledge();
    else this.unanswered.push(acknowledge);
  }
  watchers(list: Watching) {
    this.lists.push(list);
  }
  drop(reason: string) {
    this.dropped = reason;
  }
  get spans() {
    return this.frames.map((f) => [f.from, f.to]);
  }
}
