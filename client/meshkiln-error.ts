/** An error answer of the API, or a mesh that failed; `code` is one of docs/api.md. */
export class MeshkilnError extends Error {
  readonly status: number;
  readonly code: string;
  readonly param: string | null;

  constructor(status: number, error: { code: string; message: string; param?: string | null | undefined }) {
    super(error.message);
    this.name = 'MeshkilnError';
    this.status = status;
    this.code = error.code;
    this.param = error.param ?? null;
  }
}

/** fetch says "fetch failed"; what failed is in its cause. */
export function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
