/** Kinds of requests of a soak run. The graph they leave has the same size after hours: what is created is deleted again. */
import neo4j from 'neo4j-driver';

const MESSAGES = 20_000;
const int = (value) => neo4j.int(value);
const below = (bound) => Math.floor(Math.random() * bound);

async function bolt({ driver }, mode, text, parameters) {
  const session = driver.session({ database: 'default', defaultAccessMode: mode });
  try {
    return await session.run(text, parameters);
  } finally {
    await session.close();
  }
}

async function unit({ driver }, work) {
  const session = driver.session({ database: 'default' });
  try {
    return await session.executeWrite(work);
  } finally {
    await session.close();
  }
}

const read = (context, text, parameters) => bolt(context, neo4j.session.READ, text, parameters);

/** Shares of the whole rate; they add up to 1. */
export const WORKLOADS = [
  {
    name: 'create and forget', share: 0.2,
    async prepare(context) {
      const write = (text, parameters) => bolt(context, neo4j.session.WRITE, text, parameters);
      await write('CREATE CONSTRAINT FOR (p:Person) REQUIRE p.id IS UNIQUE');
      await write('CREATE CONSTRAINT FOR (m:Message) REQUIRE m.id IS UNIQUE');
      for (let from = 0; from < context.people; from += 1000) {
        await write('UNWIND range($from, $to) AS id CREATE (:Person {id: id, name: "person " + id, seen: 0})', { from: int(from), to: int(from + 999) });
        await write('UNWIND range($from, $to) AS id MATCH (a:Person {id: id}) UNWIND range(1, 10) AS i MATCH (b:Person {id: (id * 7919 + i * 104729) % ($to + 1)}) CREATE (a)-[:KNOWS {since: i}]->(b)',
          { from: int(from), to: int(from + 999) });
      }
    },
    async once(context) {
      const id = context.serial++;
      const person = below(context.people);
      await bolt(context, neo4j.session.WRITE, `
        MATCH (p:Person {id: $person}) CREATE (p)-[:WROTE]->(m:Message {id: $id, text: $text})
        WITH m OPTIONAL MATCH (old:Message {id: $old}) DETACH DELETE old`, { person: int(person), id: int(id), old: int(id - MESSAGES), text: 'word '.repeat(1 + (id % 40)) });
    },
  },
  {
    name: 'update in a transaction', share: 0.1,
    once: (context) => unit(context, async (tx) => {
      const id = int(below(context.people));
      const { records } = await tx.run('MATCH (p:Person {id: $id}) RETURN p.seen AS seen', { id });
      await tx.run('MATCH (p:Person {id: $id}) SET p.seen = $seen', { id, seen: int(records[0].get('seen') + 1) });
    }),
  },
  {
    name: 'update by REST', share: 0.1,
    once: ({ rest, restAddresses, people }) => rest.cypher(restAddresses[below(restAddresses.length)], 'MATCH (p:Person {id: $id}) SET p.seen = p.seen + 1 RETURN p.seen', { parameters: { id: below(people) } }),
  },
  {
    name: 'point read', share: 0.3,
    once: (context) => read(context, 'MATCH (p:Person {id: $id}) RETURN p', { id: int(below(context.people)) }),
  },
  {
    name: 'two hops', share: 0.2,
    once: (context) => read(context, 'MATCH (:Person {id: $id})-[:KNOWS]->()-[:KNOWS]->(f) RETURN f.id, count(*) AS paths ORDER BY paths DESC, f.id LIMIT 20', { id: int(below(context.people)) }),
  },
  {
    name: 'read by REST', share: 0.09,
    once: ({ rest, restAddresses, people }) => rest.cypher(restAddresses[below(restAddresses.length)], 'MATCH (p:Person {id: $id})-[:WROTE]->(m) RETURN m.text LIMIT 10', { parameters: { id: below(people) } }),
  },
  {
    name: 'aggregate', share: 0.01,
    once: (context) => read(context, 'MATCH (p:Person) RETURN p.seen % 10 AS k, count(*) ORDER BY k', {}),
  },
];
