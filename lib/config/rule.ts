/**
 * What the tables of keys that depend on the family are made of. Data only; `apply_rules.ts` does what they say.
 * @module
 */

/** Names of keys with the values that they must have; all must hold. Names are unique over all sections. */
export type Condition = Readonly<Record<string, readonly unknown[]>>;

/** What holds for one key. */
export interface KeyRule {
  /** The key is read when one of these holds; always when there are none. */
  readonly when?: readonly Condition[];
  /** Why it is not read otherwise: the end of a sentence. */
  readonly because?: string;
  /** Values that say the same as leaving the key out where it is not read. */
  readonly neutral?: readonly unknown[];
  /** What holds when it is left out: the first whose condition holds. */
  readonly defaults?: readonly { readonly if?: Condition; readonly value: unknown }[];
  /** Restrictions of its value. */
  readonly allowed?: readonly {
    readonly if: Condition;
    readonly values: readonly unknown[];
    readonly because: string;
  }[];
}

/** Rules by the path of their key, in the order in which they are applied: a condition sees the keys above it. */
export type RuleTable = Readonly<Record<string, KeyRule>>;
