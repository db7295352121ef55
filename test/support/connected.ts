import type { Socket } from 'socket.io-client';

/** Resolves once the server has let the socket in. Rejects with its refusal, and when the connection ends before: socket.io calls that "disconnect". */
export const connected = (socket: Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
    socket.once('disconnect', (reason) => reject(new Error(`not let in: ${reason}`)));
  });
