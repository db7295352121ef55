import type { Refusal, RefusalReason } from './commands';

export const refuse = (reason: RefusalReason, message: string, field: string | null = null): Refusal => ({
  ok: false,
  reason,
  message,
  field,
});
