import { z } from 'zod';
import { callApi } from '../api/call.ts';
import { byId } from '../look/element.ts';

/** What the page reads of the list of models; an edge of before it told this takes no prompts. */
const Models = z.object({
  data: z.array(z.object({ capabilities: z.object({ prompts: z.boolean().default(false) }) })),
});

const form = byId('prompt-form', HTMLFormElement);

/** Gives each prompt that is sent; the field shows once the edge has said that it takes prompts. */
export function listenForPrompts(take: (prompt: string) => void): void {
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const prompt = byId('prompt', HTMLInputElement).value.trim();
    if (prompt !== '') take(prompt);
  });
  void offerPrompts();
}

/** Shows the field where the edge takes prompts; an edge that does not say so, for want of a key, may do so later. */
export async function offerPrompts(): Promise<void> {
  const { signal } = new AbortController();
  const answer = await callApi('/v1/models', { key: 'meshkiln-key', signal }).catch(() => null);
  const models = Models.safeParse(await answer?.json()).data?.data ?? [];
  form.hidden = !models.some(({ capabilities }) => capabilities.prompts);
}
