/** What constraints ask of the properties of one label's vertices, or one type's edges, where they are written without a transaction. */
import { DbError } from '../base/errors.ts';
import type { GraphCatalog } from '../graph/catalog.ts';
import { typeRules, wrongType } from '../graph/type-rules.ts';
import type { TypeRule } from '../graph/type-rules.ts';
import type { Value } from '../value/value.ts';

export class ElementRules {
  /** Properties that must be there, by key. */
  readonly required: readonly { readonly key: number | undefined; readonly message: string }[];
  readonly #types: readonly { readonly key: number | undefined; readonly rule: TypeRule }[];

  constructor(catalog: GraphCatalog, kind: 'vertex' | 'edge', label: string) {
    const mine = <R extends { readonly kind: string; readonly label: string }>(rules: readonly R[]) => rules.filter((rule) => rule.kind === kind && rule.label === label);
    this.required = mine(catalog.data.constraints).filter(({ type }) => type === 'exists' || type === 'node_key')
      .flatMap(({ name, fields }) => fields.map((field) => ({ key: catalog.findKey(field), message: `the constraint ${name} requires the property ${field}` })));
    this.#types = mine(typeRules(catalog)).map((rule) => ({ rule, key: catalog.findKey(rule.fields[0]!) }));
  }

  /** Whether values must be looked at, and not only which there are. */
  get askForValues(): boolean {
    return this.#types.length > 0;
  }

  /** Throws ConstraintValidation. */
  check(keys: readonly number[], values: readonly Value[]): void {
    for (const { key, message } of this.required) {
      if (key === undefined || !keys.includes(key)) throw new DbError('ConstraintValidation', message);
    }
    for (const { key, rule } of this.#types) {
      const at = key === undefined ? -1 : keys.indexOf(key);
      if (at >= 0 && !rule.test(values[at]!)) throw wrongType(rule, values[at]!);
    }
  }
}
