/** One page of a kind of objects: their names within it, and where the next page begins (null: it has ended). */
export type Page = { objects: { name: string; uploadedMs: number }[]; next: string | null };

/** Lists one page of the objects under a prefix, in the order of their names, from where another ended. */
export async function listPage(
  r2: R2Bucket,
  prefix: string,
  { after, max }: { after: string | null; max: number },
): Promise<Page> {
  const page = await r2.list({ prefix, limit: max, ...(after !== null && { startAfter: after }) });
  return {
    objects: page.objects.map(({ key, uploaded }) => ({
      name: key.slice(prefix.length),
      uploadedMs: uploaded.getTime(),
    })),
    next: page.truncated ? (page.objects.at(-1)?.key ?? null) : null,
  };
}
