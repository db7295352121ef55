/** Replaces _live/socket.ts and next/navigation in the bundle of a replay, where the parts that use them are never shown. */
const absent = (): never => {
  throw new Error('this is a replay: it has no server and no other pages');
};
export const viewerWire = absent;
export const useRouter = absent;
export const usePathname = absent;
export const useSearchParams = absent;
