import { expectTypeOf, it } from 'vitest';
import type { PeerRow } from '../../src/service/peer-rows.ts';
import type { Peer } from '../../web/src/api/types.ts';

// The pages are compiled on their own, so they say again what a row is: the type check compares.
it('is what the web pages take for a row', () => {
  expectTypeOf<PeerRow>().toExtend<Peer>();
});
