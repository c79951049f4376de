/** Labels, fields, indexes and counts of the chosen graph. */
import { signal } from '@preact/signals';
import { records } from '../api/cypher.ts';
import { graphName } from './settings.ts';

export interface Field {
  readonly name: string;
  readonly type: string;
  readonly optional?: boolean;
  readonly index?: boolean;
  readonly unique?: boolean;
}

export interface Label {
  readonly kind: 'VERTEX' | 'EDGE';
  readonly label: string;
  readonly primary?: string;
  readonly properties: readonly Field[];
  readonly constraints?: readonly (readonly [string, string])[];
  /** Has declared fields; others are known from what is stored. */
  readonly isDeclared: boolean;
  readonly count: number;
}

export interface Index {
  readonly label: string;
  readonly field: string;
  readonly label_type: string;
  readonly unique: boolean;
  readonly pair_unique: boolean;
}

export interface Schema {
  readonly labels: readonly Label[];
  readonly indexes: readonly Index[];
}

export const FIELD_TYPES = ['BOOL', 'INT8', 'INT16', 'INT32', 'INT64', 'FLOAT', 'DOUBLE', 'DATE', 'DATETIME', 'STRING', 'BLOB', 'POINT', 'LINESTRING', 'POLYGON', 'SPATIAL', 'FLOAT_VECTOR'] as const;

export const schema = signal<Schema | undefined>(undefined);

export async function refreshSchema(): Promise<void> {
  const graph = graphName.value;
  const [declared, counts, indexes] = await Promise.all([
    records<{ schema: string }>('CALL dbms.graph.getGraphSchema()', { graph }),
    records<{ is_vertex: boolean; label: string; count: number }>('CALL dbms.meta.countDetail()', { graph }),
    records<Index>('CALL db.indexes()', { graph }),
  ]);
  const items = (JSON.parse(declared[0]!.schema) as { schema: (Omit<Label, 'kind' | 'properties'> & { properties?: readonly Field[]; type: 'VERTEX' | 'EDGE' })[] }).schema;
  const countOf = (kind: string, label: string): number => counts.find((one) => one.label === label && one.is_vertex === (kind === 'VERTEX'))?.count ?? 0;
  const labels = new Map(items.map((item): [string, Label] => [`${item.type} ${item.label}`, { ...item, properties: item.properties ?? [], kind: item.type, isDeclared: true, count: countOf(item.type, item.label) }]));
  for (const { is_vertex: isVertex, label, count } of counts) {
    const kind = isVertex ? 'VERTEX' : 'EDGE';
    if (label !== '' && !labels.has(`${kind} ${label}`)) labels.set(`${kind} ${label}`, { kind, label, properties: [], isDeclared: false, count });
  }
  if (graph === graphName.value) schema.value = { labels: [...labels.values()], indexes };
}
