/** Declared by every run of this trainer, and sent with its recipes: a run can be created paused. */
export const pauseAction = { name: 'pause', role: 'pause' } as const;
