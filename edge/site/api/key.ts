import { signInParameter } from '../../../contract/sign-in.ts';

/** The keys of two pages, each kept for as long as its tab is open, and sent to nobody but this edge. */
export type KeyName = 'meshkiln-key' | 'meshkiln-admin-key';

const keyNames: readonly KeyName[] = ['meshkiln-key', 'meshkiln-admin-key'];

/**
 * Keeps the key of a sign-in link, which is good for every page, and takes it out of the URL: out of the history, what is
 * copied and what other pages are told. Says whether there was one.
 */
export function keepKeyOfLink(): boolean {
  const key = new URLSearchParams(location.hash.slice(1)).get(signInParameter);
  if (key === null) return false;
  history.replaceState(null, '', location.pathname + location.search);
  for (const name of keyNames) keepKey(name, key);
  return true;
}

export function readKey(name: KeyName): string | null {
  return sessionStorage.getItem(name);
}

export function keepKey(name: KeyName, key: string): void {
  sessionStorage.setItem(name, key);
}
