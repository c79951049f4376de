import { expect, it } from 'vitest';
import { addressesOf } from '../../src/server/addresses.ts';

const at = (host: string, advertised = '') => addressesOf({ host, advertised_host: advertised, port: 7070, rpc_port: 9090, bolt_port: 7687 });

it('tells addresses that others can use, with brackets where they are needed', () => {
  expect(at('192.168.1.10')).toEqual({ rest: '192.168.1.10:7070', rpc: '192.168.1.10:9090', bolt: '192.168.1.10:7687', local: '192.168.1.10:7070' });
  expect(at('fd00::1')).toEqual({ rest: '[fd00::1]:7070', rpc: '[fd00::1]:9090', bolt: '[fd00::1]:7687', local: '[fd00::1]:7070' });
  expect(at('0.0.0.0')).toMatchObject({ rest: '127.0.0.1:7070', local: '127.0.0.1:7070' });
  expect(at('::')).toMatchObject({ rest: '[::1]:7070', local: '[::1]:7070' });
});

it('advertises to clients what it is told to, and to its group what it listens on', () => {
  expect(at('10.0.0.5', 'graph.example.org')).toEqual({ rest: 'graph.example.org:7070', rpc: '10.0.0.5:9090', bolt: 'graph.example.org:7687', local: '10.0.0.5:7070' });
});
