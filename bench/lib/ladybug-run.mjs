/** Runs the statements of a JSON file in a Ladybug database and closes it: `ladybug-run.mjs STATEMENTS DATABASE NODE_MODULES`; then prints how many vertices and edges there are. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [statements, database, modules] = process.argv.slice(2);
const ladybug = createRequire(join(resolve(modules), '..', 'package.json'))('@ladybugdb/core');
const store = new ladybug.Database(database);
const connection = new ladybug.Connection(store);
for (const text of JSON.parse(readFileSync(statements, 'utf8'))) (await connection.query(text)).close();
const count = async (text) => Number(Object.values((await (await connection.query(text)).getAll())[0])[0]);
const [vertices, edges] = [await count('MATCH (n) RETURN count(*)'), await count('MATCH ()-[r]->() RETURN count(*)')];
await connection.close();
await store.close();
console.log(JSON.stringify({ vertices, edges }));
