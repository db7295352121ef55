/** In a replay's bundle, in place of _live/socket.ts and next/navigation: parts of the page that use them are never shown there. */
const absent = (): never => {
  throw new Error('this is a replay: it has no server and no other pages');
};
export const viewerWire = absent;
export const useRouter = absent;
export const usePathname = absent;
export const useSearchParams = absent;
