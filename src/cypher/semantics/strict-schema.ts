/**
 * Graphs created `strict` know only declared labels and fields: a pattern that names another is refused before it runs, with
 * TuGraph's words.
 */
import { DbError } from '../../base/errors.ts';
import type { GraphCatalog } from '../../graph/catalog.ts';
import type { Clause, Expression, PatternPart, Query } from '../ast.ts';
import { allElements, forEachChild, forEachInQuery, forEachLabel } from './walk.ts';

export function checkStrictSchema(query: Query, catalog: GraphCatalog): void {
  for (const part of query.parts) for (const clause of part.clauses) checkClause(clause, catalog);
  forEachInQuery(query, (e) => {
    checkExpression(e, catalog);
  });
}

function checkClause(clause: Clause, catalog: GraphCatalog): void {
  switch (clause.kind) {
    case 'Match': case 'Create': for (const part of clause.patterns) checkPart(part, catalog); return;
    case 'Merge': checkPart(clause.pattern, catalog); return;
    case 'Foreach': for (const inner of clause.clauses) checkClause(inner, catalog); return;
    case 'CallSubquery': checkStrictSchema(clause.query, catalog); return;
    default:
  }
}

function checkExpression(e: Expression, catalog: GraphCatalog): void {
  if (e.kind === 'PatternComprehension' || e.kind === 'PatternPredicate' || e.kind === 'ShortestPath') checkPart(e.pattern, catalog);
  if (e.kind === 'Subquery') checkStrictSchema(e.query, catalog);
  forEachChild(e, (child) => {
    checkExpression(child, catalog);
  });
}

function checkPart(part: PatternPart, catalog: GraphCatalog): void {
  for (const element of allElements(part.elements)) {
    const node = element.kind === 'Node';
    const what = node ? 'vertex' : 'edge';
    forEachLabel(node ? element.labels : element.types, (label) => {
      const schema = node ? catalog.vertexSchema(label) : catalog.edgeSchema(label);
      if (schema === undefined) throw new DbError('LabelNotFound', `No such ${what} label: ${label}`);
      if (element.properties?.kind !== 'Map') return;
      for (const { key } of element.properties.entries) {
        if (!schema.fields.some((field) => field.name === key)) throw new DbError('FieldNotFound', `No such ${what} property: ${label}.${key}`);
      }
    });
  }
}
