/** The element with this id; throws an Error when the page has none of that kind, which is a bug of the page. */
export function byId<T>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (found instanceof kind) return found;
  throw new Error(`the page has no ${kind.name} "${id}"; this is a bug`);
}

type Content = string | Node;

/** A new element with a class, if it has one, and what is in it. */
export function make<K extends keyof HTMLElementTagNameMap>(
  name: K,
  className: string | null,
  ...content: Content[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(name);
  if (className !== null) element.className = className;
  element.replaceChildren(...content);
  return element;
}
