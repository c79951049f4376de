import { expect, it } from 'vitest';
import { callFailure } from '../../src/base/call-failure.ts';

const wrapped = (text: string) => `No connection established. Last error: ${text}. Resolution note: `;

// As @grpc/grpc-js says it, with the addresses and times it puts in.
it.each([
  [wrapped('Error: connect ECONNREFUSED 127.0.0.1:21999'), true, 'nobody listens'],
  ['Deadline exceeded after 1.0s', true, 'in time'],
  ['Name resolution failed for target dns:nosuchhost.invalid:21999', false, 'nosuchhost.invalid:21999'],
  [wrapped('Protocol error (2026-01-31T12:00:00.867Z)'), false, 'no rpc_port'],
  [wrapped('Error: 80DC8926CD7F0000:error:0A000460:SSL routines:ssl3_read_bytes:tlsv1 alert no application protocol:rec_layer_s3.c:1601:SSL alert number 120\n'), false, 'no rpc_port'],
  [wrapped('Error: 80BC62BE237F0000:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:ssl3_record.c:350:\n'), false, 'without TLS'],
  [wrapped('Failed to connect (2026-01-31T12:00:00.854Z)'), false, 'closed at once'],
  [wrapped('read ECONNRESET (2026-01-31T12:00:00.854Z)'), false, 'closed at once'],
  [wrapped('Error: certificate has expired'), false, 'has expired'],
  [wrapped('Error: self-signed certificate in certificate chain'), false, 'server_ca'],
  [wrapped('Error: unable to verify the first certificate'), false, 'server_ca'],
  [wrapped("Error [ERR_TLS_CERT_ALTNAME_INVALID]: Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list: 10.9.9.9"), false, "IP: 127.0.0.1 is not in the cert's list: 10.9.9.9"],
  ["wrong secret: it does not know this group's ha_secret", false, 'wrong secret'],
])('%s', (message, isSilence, words) => {
  const failure = callFailure(message);
  expect(failure.isSilence).toBe(isSilence);
  expect(failure.text).toContain(words);
  expect(failure.text).not.toMatch(/Resolution note|\d\d:\d\d:\d\d/);
});
