import { expect, it } from 'vitest';
import { parseImportConfig } from '../../src/data/import-config.ts';
import { schemaJson } from '../../src/data/config-json.ts';

it.each([[undefined, 'ASC'], ['ASC', 'ASC'], ['desc', 'DESC']])('takes the temporal order %s for %s, and writes it out so', (given, order) => {
  const config = parseImportConfig(JSON.stringify({
    schema: [{ label: 'paid', type: 'EDGE', properties: [{ name: 'at', type: 'INT64' }], temporal: 'at', ...(given === undefined ? {} : { temporal_order: given }) }], files: [],
  }), 'import.json');
  expect(config.schemas).toMatchObject([{ temporal: 'at', temporalOrder: order }]);
  expect(schemaJson(config)).toMatchObject([{ temporal: 'at', temporal_order: order }]);
});
