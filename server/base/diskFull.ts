/** Of the file system or SQLite; a thread passes on only the message. */
const full = /\b(ENOSPC|EDQUOT)\b|database or disk is full/;

export const isDiskFull = (error: unknown): boolean => error instanceof Error && full.test(error.message);

export const diskFullWords = 'the disk of the server is full: make room there and ask again';

/** Insufficient Storage (RFC 4918, 11.5). */
export const DISK_FULL_STATUS = 507;
