import dgram from 'node:dgram';
import dns from 'node:dns';
import net from 'node:net';

/**
 * Makes this process refuse every connection: models stay on this machine, whatever a runtime package tries.
 * The channel to the parent is a pipe that is open already and is not touched.
 */
export function refuseNetwork(): void {
  const refuse = (): never => {
    throw new Error('Network access is refused in the runtime process.');
  };
  net.Socket.prototype.connect = refuse;
  dgram.Socket.prototype.send = refuse;
  dgram.Socket.prototype.connect = refuse;
  net.Server.prototype.listen = refuse;
  dns.lookup = Object.assign(refuse, { __promisify__: refuse });
  globalThis.fetch = () =>
    Promise.reject(new Error('Network access is refused in the runtime process.'));
}
