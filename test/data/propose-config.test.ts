/** Proposed configurations are such that the files can be imported with them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseImportConfig } from '../../src/data/import-config.ts';
import { run } from './tools.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'lgraph-propose-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Writes the files, has them proposed for and imported; returns the labels with their fields and what was imported. */
async function propose(files: Readonly<Record<string, string>>, delimiter = ','): Promise<{ labels: Record<string, string>; out: string }> {
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const { code, out, err } = await run('lgraph_import', ['--schema_from_data', directory, '--delimiter', delimiter]);
  expect({ code, err }).toEqual({ code: 0, err: '' });
  writeFileSync(join(directory, 'import.json'), out);
  const { schemas } = parseImportConfig(out, 'proposal');
  const labels = Object.fromEntries(schemas.map(({ name, primary, fields, constraints }) => [
    name, `${fields.map((field) => `${field.name}${field.name === primary ? '!' : ''} ${field.type}`).join(', ')}${constraints === undefined ? '' : `; ${constraints.map((pair) => pair.join('>')).join(' ')}`}`,
  ]));
  const imported = await run('lgraph_import', ['-c', join(directory, 'import.json'), '-d', join(directory, 'db'), '--delimiter', delimiter]);
  expect(imported).toMatchObject({ code: 0, err: '' });
  return { labels, out: imported.out.split('\n')[0]! };
}

describe('--schema_from_data', () => {
  it("reads Neo4j's headers", async () => {
    expect(await propose({
      'people.csv': 'personId:ID(Person),name,age:int,born:date,:LABEL,note:IGNORE\np1,Ann,30,1990-01-01,Person,x\np2,"Bob ""B""",,,Person,y\n',
      'films.csv': ':ID(Film),title,rate:float\n1,One,1.5\n2,Two,2\n',
      'acted.csv': ':START_ID(Person),role,:END_ID(Film),:TYPE\np1,lead,1,ACTED_IN\np2,,2,ACTED_IN\n',
    })).toEqual({
      labels: { films: 'id! INT64, title STRING, rate FLOAT', Person: 'personId! STRING, name STRING, age INT64, born DATE', ACTED_IN: 'role STRING; Person>films' },
      out: 'imported 4 vertices and 2 edges',
    });
  });

  it("reads the options of Neo4j's headers, and notes what one file cannot say", async () => {
    expect(await propose({
      'people.csv': 'personId:ID(Person){id-type:long},name:string\n1,Ann\n2,Bob\n', 'films.csv': ':ID(Film){id-type: string},place:point{crs:WGS-84}\n1,\n',
      'saw.csv': ':START_ID(Person),:END_ID(Film),:TYPE\n1,1,SAW\n',
    })).toEqual({ labels: { people: 'personId! INT64, name STRING', films: 'id! STRING, place POINT', SAW: '; people>films' }, out: 'imported 3 vertices and 1 edges' });
    writeFileSync(join(directory, 'saw.csv'), ':START_ID(Person),:END_ID(Film),:TYPE\n1,1,SAW\n2,1,LIKED\n');
    const { code, err } = await run('lgraph_import', ['--schema_from_data', directory]);
    expect([code, err]).toEqual([0, `${join(directory, 'saw.csv')}: :TYPE has SAW, LIKED, but all rows of a file are of one label: here SAW. Make a file of each\n`]);
    writeFileSync(join(directory, 'odd.csv'), 'x:ID(Person)(Film),y\n1,2\n');
    expect(await run('lgraph_import', ['--schema_from_data', join(directory, 'odd.csv')])).toMatchObject({ code: 1, err: expect.stringContaining('no column identifies a vertex') as string });
  });

  it("reads LDBC's", async () => {
    expect(await propose({
      'comment_0_0.csv': 'id|creationDate|content\n10|1277681817962|yes\n11|1277681817963|"no\nway"\n',
      'person_0_0.csv': 'id|firstName\n1|Jose\n',
      'comment_hasCreator_person_0_0.csv': 'Comment.id|Person.id\n10|1\n11|1\n',
      'person_knows_person_0_0.csv': 'Person.id|Person.id|creationDate\n1|1|1277778892244\n',
    }, '|')).toEqual({
      labels: { comment: 'id! INT64, creationDate INT64, content STRING', person: 'id! INT64, firstName STRING', hasCreator: '; comment>person', knows: 'creationDate INT64; person>person' },
      out: 'imported 3 vertices and 3 edges',
    });
  });

  it('reads plain ones, and sees types', async () => {
    expect(await propose({
      'city.csv': 'name,zip code,size,big,since,seen\nA,01234,1.5,true,2020-01-01,2020-01-01 10:00:00\nB,99999,2,false,,\n',
      'road.csv': 'from,to,km\nA,B,10\n',
    })).toEqual({ labels: { city: 'name! STRING, zip_code STRING, size DOUBLE, big BOOL, since DATE, seen DATETIME', road: 'km INT64; city>city' }, out: 'imported 2 vertices and 1 edges' });
  });

  it('says why it cannot', async () => {
    writeFileSync(join(directory, 'odd.csv'), 'a,b\n1,1\n1,1\n');
    expect(await run('lgraph_import', ['--schema_from_data', join(directory, 'odd.csv')])).toMatchObject({ code: 1, err: expect.stringContaining('no column identifies a vertex') as string });
  });
});
