/** Rows of declared labels as text: CSV, or JSON lines. */
import type { EdgeBlock, VertexBlock } from '../graph/blocks.ts';
import type { FieldDef, GraphCatalog, LabelSchema } from '../graph/catalog.ts';
import { jsonFloat } from '../value/format.ts';
import { Float } from '../value/value.ts';
import type { Value } from '../value/value.ts';
import { unpacked } from '../value/packed-floats.ts';
import { cellText } from './cells.ts';
import { csvField, csvText } from './csv.ts';

/** The label of a vertex that its declaration says everything about; undefined for the others. */
export function declaredLabel(catalog: GraphCatalog, block: VertexBlock): LabelSchema | undefined {
  return block.labels.length === 1 ? catalog.vertexSchema(catalog.labelName(block.labels[0]!)) : undefined;
}

export interface RowWriter {
  readonly columns: readonly string[];
  /** The row with its line break; ends are primary keys. */
  row(block: VertexBlock | EdgeBlock, source: Value, destination: Value): string;
}

export function rowWriter(schema: LabelSchema, catalog: GraphCatalog, options: { readonly format: 'csv' | 'json'; readonly delimiter: string; readonly isEdge: boolean }): RowWriter {
  const { format, delimiter, isEdge } = options;
  const keys = schema.fields.map(({ name }) => catalog.findKey(name)!);
  const cell = format === 'csv' ? (value: Value) => csvCell(value, delimiter) : jsonCell;
  const [open, between, close] = format === 'csv' ? ['', delimiter, '\n'] : ['[', ',', ']\n'];
  return {
    columns: [...(isEdge ? ['SRC_ID', 'DST_ID'] : []), ...schema.fields.map(({ name }: FieldDef) => name)],
    row(block, source, destination) {
      const cells = isEdge ? [cell(source), cell(destination)] : [];
      for (const key of keys) {
        const at = block.keys.indexOf(key);
        cells.push(cell(at < 0 ? null : unpacked(block.values[at]!)));
      }
      const text = cells.join(between);
      return `${open}${text}${close}`;
    },
  };
}

function csvCell(value: Value, delimiter: string): string {
  if (value === null) return '';
  return typeof value === 'string' ? csvText(value) : csvField(cellText(value)!, delimiter);
}

function jsonCell(value: Value): string {
  if (value === null || typeof value === 'boolean' || typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (value instanceof Float) return jsonFloat(value.value);
  return JSON.stringify(cellText(value));
}
