/** What came of one attempt: the edge has it, nobody wants it (410), the edge will never take it, or not now. */
export type Outcome =
  | { state: 'delivered' }
  | { state: 'gone' }
  | { state: 'refused'; cause: string }
  | { state: 'retry'; cause: string; afterMs: number | null };
