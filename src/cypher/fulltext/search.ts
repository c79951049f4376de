/**
 * Runs a full-text query over the postings of one index: each part gives a list of documents with scores, and lists are combined.
 *
 * Scores are BM25 as Lucene computes it since 8.0 (k1 1.2, b 0.75), per field, added up over fields and parts. Wildcards count one for
 * each field that has them. A phrase is found by its words and then looked for in the texts.
 */
import { DbError } from '../../base/errors.ts';
import { editDistance, suggest } from '../../base/suggest.ts';
import type { TextIndexDef } from '../../graph/catalog.ts';
import type { Analyzer, TextElement } from '../../graph/text/analyzer.ts';
import { analyzerOf } from '../../graph/text/analyzer.ts';
import { documentOf, fieldKey, frequencyOf, lengthOf, textsOf } from '../../graph/text/postings.ts';
import type { GraphView } from '../../graph/view.ts';
import { NodeValue } from '../../value/value.ts';
import type { Value } from '../../value/value.ts';
import { boosted, merge, NO_HITS, unionAll } from './hits.ts';
import type { Hits } from './hits.ts';
import { queryError } from './query.ts';
import type { Field, PatternPart, TextQuery } from './query.ts';

const K1 = 1.2;
const B = 0.75;
/** Words that one ~ looks for, at most: the most similar ones (Lucene's FuzzyQuery.defaultMaxExpansions). */
const SIMILAR_MAX = 50;
/** A posting, its document and its score in lists that are combined. */
const BYTES_PER_POSTING = 40;

export interface SearchOptions {
  readonly view: GraphView;
  readonly index: TextIndexDef;
  /** Of the query; the index's own where absent. */
  readonly analyzer?: Analyzer | undefined;
  /** Asked before a field of a document counts; absent: everything may be found. */
  readonly mayRead?: ((kind: 'vertex' | 'edge', label: string, field: string) => boolean) | undefined;
  /** What the lists of one search may take together, about. */
  readonly memoryBytes?: number | undefined;
  /** Called with the postings read since; throws when the statement is to end. */
  readonly checkpoint: (rows: number) => void;
}

/** Postings of one token of one field. */
interface Postings {
  readonly field: number;
  readonly ids: readonly number[];
  readonly postings: readonly number[];
}

export class TextSearch {
  readonly #options: SearchOptions;
  readonly #index: TextIndexDef;
  readonly #texts: Analyzer;
  readonly #query: Analyzer;
  readonly #fields: readonly string[];
  readonly #sums: readonly { readonly texts: number; readonly tokens: number }[];
  /** For each field, the labels whose elements must not be found by it. */
  readonly #hidden: readonly (readonly number[])[];
  #heldBytes = 0;

  constructor(options: SearchOptions) {
    const { view, index, mayRead } = options;
    this.#options = options;
    this.#index = index;
    this.#texts = analyzerOf(index);
    this.#query = options.analyzer ?? this.#texts;
    this.#fields = view.catalog.textFields(index);
    this.#sums = view.textSums(index);
    const labels = index.kind === 'vertex' ? view.catalog.data.labels : view.catalog.data.types;
    this.#hidden = this.#fields.map((field) => (mayRead === undefined ? [] : [...labels.keys()].filter((id) => !mayRead(index.kind, labels[id]!, field))));
  }

  run(query: TextQuery): Hits {
    switch (query.kind) {
      case 'words': return boosted(this.#words(query.text, query.prefix, this.#fieldsOf(query.field)), query.boost);
      case 'pattern': return boosted(this.#pattern(query.parts, this.#fieldsOf(query.field)), query.boost);
      case 'similar': return boosted(this.#similar(query.text, query.distance, this.#fieldsOf(query.field)), query.boost);
      case 'boolean': return boosted(this.#boolean(query), query.boost);
    }
  }

  #fieldsOf(field: Field | undefined): number[] {
    if (field === undefined) return [...this.#fields.keys()];
    const at = this.#fields.indexOf(field.name);
    if (at >= 0) return [at];
    const near = suggest(field.name, this.#fields);
    throw queryError(`the index ${this.#index.name} has no field ${field.name}`, field.offset, `${near === undefined ? '' : `did you mean ${near}? `}its fields: ${this.#fields.join(', ')}`);
  }

  #boolean({ must, should, not }: Extract<TextQuery, { kind: 'boolean' }>): Hits {
    const all = must.map((part) => this.run(part)).sort((a, b) => a.ids.length - b.ids.length);
    let found = all.length > 0 ? all.reduce((a, b) => merge(a, b, 'common')) : unionAll(should.map((part) => this.run(part)));
    if (all.length > 0) for (const part of should) found = found.ids.length === 0 ? found : merge(found, this.run(part), 'all');
    for (const part of not) if (found.ids.length > 0) found = merge(found, this.run(part), 'others');
    return found;
  }

  // -------------------------------------------------------------- words and phrases

  #words(text: string, prefix: boolean, fields: readonly number[]): Hits {
    const elements = this.#query.elements(text, prefix);
    const [only] = elements;
    if (only === undefined) return NO_HITS;
    return unionAll(fields.map((field) => {
      if (elements.length > 1) return this.#phrase(elements, field);
      return only.isPrefix ? this.#constant(this.#range(field, only.token)) : this.#scored(this.#token(field, only.token));
    }));
  }

  /** Documents with all words of the phrase, and then those whose text has them side by side. */
  #phrase(elements: readonly TextElement[], field: number): Hits {
    const lists: { readonly hits: Hits; readonly postings?: Postings }[] = [];
    let weight = 0;
    for (const { token, isPrefix } of elements) {
      const postings = isPrefix ? undefined : this.#token(field, token);
      const hits = postings === undefined ? this.#constant(this.#range(field, token)) : { ids: postings.ids, scores: postings.ids.map(() => 0) };
      if (hits.ids.length === 0) return NO_HITS;
      weight += this.#weight(field, hits.ids.length);
      lists.push(postings === undefined ? { hits } : { hits, postings });
    }
    const common = lists.map(({ hits }) => hits).sort((a, b) => a.ids.length - b.ids.length).reduce((a, b) => merge(a, b, 'common'));
    const ids: number[] = [];
    const scores: number[] = [];
    for (const id of common.ids) {
      const { times, length } = this.#occurrences(elements, id, field);
      if (times === 0) continue;
      ids.push(id);
      scores.push(weight * this.#saturation(field, times, length));
    }
    return { ids, scores };
  }

  /** How often the words stand side by side in the field, and its length. */
  #occurrences(elements: readonly TextElement[], id: number, field: number): { times: number; length: number } {
    let times = 0;
    let length = 0;
    for (const text of textsOf(this.#value(id, field))) {
      const tokens = this.#texts.tokens(text);
      length += tokens.length;
      this.#options.checkpoint(0);
      for (let at = 0; at < tokens.length; at++) {
        const isHere = elements.every(({ token, offset, isPrefix }) => (isPrefix ? tokens[at + offset]?.startsWith(token) === true : tokens[at + offset] === token));
        if (isHere) times++;
      }
    }
    return { times, length };
  }

  #value(id: number, field: number): Value {
    const { view } = this.#options;
    const key = this.#index.keyIds[field]!;
    if (this.#index.kind === 'vertex') return view.nodeProperty(new NodeValue(id), key);
    const relationship = view.findRelationship(id);
    return relationship === undefined ? null : view.relationshipProperty(relationship, key);
  }

  // -------------------------------------------------------------- wildcards and similar words

  #pattern(parts: readonly PatternPart[], fields: readonly number[]): Hits {
    const folded = parts.map((part) => (typeof part === 'string' ? this.#query.fold(part) : part));
    const [first] = folded;
    const prefix = typeof first === 'string' ? first : '';
    return unionAll(fields.map((field) => this.#constant(this.#range(field, prefix, (token) => matches(token, folded)))));
  }

  #similar(text: string, distance: number, fields: readonly number[]): Hits {
    const wanted = this.#query.fold(text);
    return unionAll(fields.map((field) => {
      const near: { token: string; distance: number }[] = [];
      for (const token of this.#tokensFrom(field, '')) {
        // A word of two letters is not similar to every other one.
        if (Math.abs(token.length - wanted.length) > distance || (token !== wanted && Math.min(token.length, wanted.length) <= distance)) continue;
        const found = token === wanted ? 0 : editDistance(wanted, token);
        if (found <= distance) near.push({ token, distance: found });
      }
      near.sort((a, b) => a.distance - b.distance);
      return unionAll(near.slice(0, SIMILAR_MAX).map((one) => (
        boosted(this.#scored(this.#token(field, one.token)), one.distance === 0 ? 1 : 1 - one.distance / Math.min(one.token.length, wanted.length)))));
    }));
  }

  /** Tokens of the field that begin so, each once, in order. */
  *#tokensFrom(field: number, prefix: string): Generator<string> {
    const lead = fieldKey(field, prefix);
    for (let from: string | undefined = lead; from !== undefined;) {
      let next: string | undefined;
      let last = '';
      for (const { page, start } of this.#options.view.textEntries(this.#index, from)) {
        this.#options.checkpoint(page.keys.length - start);
        for (let i = start; i < page.keys.length; i++) {
          const key = page.keys[i] as string;
          if (key === last) continue;
          if (!key.startsWith(lead)) return;
          last = key;
          yield key.slice(1);
        }
        // A page full of one token: go on behind its last entry, which may be many pages away.
        if (page.keys[0] === last) {
          next = `${last}\0`;
          break;
        }
      }
      from = next;
    }
  }

  // -------------------------------------------------------------- postings

  #token(field: number, token: string): Postings {
    const wanted = fieldKey(field, token);
    const postings: number[] = [];
    this.#scan(wanted, (key) => key === wanted, (posting) => postings.push(posting));
    return this.#readable(field, postings);
  }

  /** Documents that have a token with this beginning. */
  #range(field: number, prefix: string, accepts: (token: string) => boolean = () => true): Postings {
    const lead = fieldKey(field, prefix);
    const postings: number[] = [];
    let [last, isIn] = ['', false];
    this.#scan(lead, (key) => key.startsWith(lead), (posting, key) => {
      if (key !== last) [last, isIn] = [key, accepts(key.slice(1))];
      if (isIn) postings.push(posting);
    });
    postings.sort((a, b) => a - b);
    return this.#readable(field, postings.filter((posting, i) => i === 0 || documentOf(posting) !== documentOf(postings[i - 1]!)));
  }

  #scan(from: string, isIn: (key: string) => boolean, take: (posting: number, key: string) => void): void {
    let known: string | undefined;
    for (const { page, start } of this.#options.view.textEntries(this.#index, from)) {
      this.#options.checkpoint(page.keys.length - start);
      for (let i = start; i < page.keys.length; i++) {
        const key = page.keys[i] as string;
        if (key !== known && !isIn(key)) return;
        known = key;
        take(page.ids[i]!, key);
      }
    }
  }

  #readable(field: number, postings: readonly number[]): Postings {
    this.#heldBytes += postings.length * BYTES_PER_POSTING;
    const { memoryBytes } = this.#options;
    if (memoryBytes !== undefined && this.#heldBytes > memoryBytes) {
      throw new DbError('MemoryLimit', `the full-text search finds too much: it holds more than the ${Math.round(memoryBytes / 1024 / 1024)} MB it may`, {
        hint: 'look for rarer words, or raise query_memory_mb',
      });
    }
    const hidden = this.#hidden[field]!;
    const seen = hidden.length === 0 ? postings : postings.filter((posting) => !this.#hasLabel(documentOf(posting), hidden));
    return { field, ids: seen.map(documentOf), postings: seen };
  }

  #hasLabel(id: number, labels: readonly number[]): boolean {
    const { view } = this.#options;
    if (this.#index.kind === 'edge') return labels.includes(view.findRelationship(id)?.typeId ?? -1);
    return view.nodeLabels(new NodeValue(id)).some((label) => labels.includes(label));
  }

  // -------------------------------------------------------------- scores

  #constant({ ids }: Postings): Hits {
    return { ids, scores: ids.map(() => 1) };
  }

  #scored({ field, ids, postings }: Postings): Hits {
    const weight = this.#weight(field, ids.length);
    return { ids, scores: postings.map((posting) => weight * this.#saturation(field, frequencyOf(posting), lengthOf(posting))) };
  }

  /** Rare tokens count more. */
  #weight(field: number, having: number): number {
    const { texts } = this.#sums[field]!;
    return Math.log(1 + (Math.max(texts, having) - having + 0.5) / (having + 0.5));
  }

  #saturation(field: number, frequency: number, length: number): number {
    const { texts, tokens } = this.#sums[field]!;
    return frequency / (frequency + K1 * (1 - B + (B * length * texts) / Math.max(1, tokens)));
  }
}

/** Whether the token is the parts one after the other. */
export function matches(token: string, parts: readonly PatternPart[]): boolean {
  // Places in the token where the parts so far can end.
  let ends = new Set([0]);
  for (const part of parts) {
    const next = new Set<number>();
    for (const end of ends) {
      if (typeof part === 'string') {
        if (token.startsWith(part, end)) next.add(end + part.length);
      } else if (part.any === 'many') for (let at = end; at <= token.length; at++) next.add(at);
      else if (end < token.length) next.add(end + (token.codePointAt(end)! > 0xffff ? 2 : 1));
    }
    ends = next;
  }
  return ends.has(token.length);
}
