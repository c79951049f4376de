/** What gRPC says of a call that reached nobody, in words that say what to look at, and the same each time. */

/** As of a server that does not run, or not yet. */
const SILENCE: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED/, 'nobody listens there'],
  [/^no answer$|Deadline exceeded|DEADLINE_EXCEEDED/, 'no answer in time'],
];
const MISTAKES: readonly (readonly [RegExp, string])[] = [
  [/Name resolution failed for target (?:dns:)?(\S+)/, 'the name of $1 has no address'],
  [/ENETUNREACH|EHOSTUNREACH/, 'there is no way to that address'],
  [/certificate has expired/, 'its certificate has expired, by the clock of this machine'],
  [/certificate is not yet valid/, 'its certificate is not valid yet, by the clock of this machine'],
  [/altnames: (.*?)(?:\. Resolution note.*)?$/s, 'its certificate does not name this address: $1'],
  [/self-signed certificate|unable to (?:verify|get)[a-z ]*certificate/, 'its certificate is not signed by the authority that this side trusts (server_ca, --ca)'],
  [/unsupported certificate purpose|unsuitable certificate purpose/, 'its certificate is not for servers (extendedKeyUsage)'],
  [/wrong version number/, 'it speaks without TLS (ssl_auth), this side with it'],
  [/Protocol error|no application protocol/, 'that is no rpc_port: HTTP or something else answers there'],
  [/Failed to connect|ECONNRESET|socket hang up/, 'the connection is closed at once: TLS (ssl_auth) on one side only, a certificate that is not accepted, or not an rpc_port'],
];

export interface CallFailure {
  readonly text: string;
  /** There is nothing to look at, or not yet. */
  readonly isSilence: boolean;
}

export function callFailure(message: string): CallFailure {
  for (const forms of [SILENCE, MISTAKES]) {
    for (const [form, words] of forms) {
      const match = form.exec(message);
      if (match !== null) return { text: words.replace('$1', match[1] ?? ''), isSilence: forms === SILENCE };
    }
  }
  // What the other side itself said is clear; a time in it would make a new line of it each round.
  return { text: message.replace(/^No connection established\. Last error: (.*?)\.? Resolution note: $/s, '$1').replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)/, ''), isSilence: false };
}
