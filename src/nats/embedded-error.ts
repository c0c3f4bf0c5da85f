// What can go wrong when the embedded nats-server is started, as one class with stable codes. Each
// message is one sentence that a person can act on; the command line prints it as it is.

/**
 * - `port_in_use`: somebody else listens on the configured port.
 * - `data_dir_in_use`: another living lastunit holds the data directory.
 * - `data_dir_unwritable`: the data directory cannot be created or written.
 * - `server_missing`: there is no nats-server binary to start.
 * - `server_too_old`: the binary found lacks what we rest on.
 * - `server_failed`: the server ended, or did not answer in time; the message carries its last words.
 */
export type EmbeddedServerErrorCode =
  | 'port_in_use'
  | 'data_dir_in_use'
  | 'data_dir_unwritable'
  | 'server_missing'
  | 'server_too_old'
  | 'server_failed';

/** Why the embedded server could not be started. Nothing is left running or locked when it is thrown. */
export class EmbeddedServerError extends Error {
  override readonly name = 'EmbeddedServerError';
  readonly code: EmbeddedServerErrorCode;

  constructor(code: EmbeddedServerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
