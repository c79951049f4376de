import { expect, test } from 'vitest';
import { clientProtos, pathOf, RELAYED_METHODS, relayedPaths } from '../../src/rpc/client-proto.ts';

test('the methods are those of proto/, each with one request', () => {
  for (const [service, methods] of Object.entries(RELAYED_METHODS)) {
    const defined = Object.entries(clientProtos()[service]!).map(([name, { path, requestStream }]: [string, { path: string; requestStream: boolean }]) => ({ name, path, requestStream }));
    expect(defined).toEqual(methods.map((name) => ({ name, path: pathOf(service, name), requestStream: false })));
  }
  expect(relayedPaths()).toContain('/lgraph.v1.Lgraph/Run');
});
